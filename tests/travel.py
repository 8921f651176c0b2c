"""Rows that record what a pass would send to a worker."""

from joblib.externals.loky.backend.reduction import dumps

from natfit.rows import Memory

#: Bytes that a part and its arguments may take, however many rows there are.
MOST = 100_000


class Watched(Memory):
    """Rows in memory, of which every pass is pickled as joblib pickles it."""

    def sum(self, part, *args, wide=False):
        self.send(part, args)
        return super().sum(part, *args, wide=wide)

    def map(self, part, *args):
        self.send(part, args)
        return super().map(part, *args)

    def first(self, bad, *args):
        self.send(bad, args)
        return super().first(bad, *args)

    def send(self, part, args):
        nested = "<locals>" in getattr(part, "__qualname__", "<locals>")
        assert not nested, f"{part} is no function of a module and no method"
        size = len(dumps((part, args)))
        assert size < MOST, f"{part.__qualname__} takes {size} bytes for {self.n} rows"
        self.sent.append(part.__qualname__)

    @property
    def sent(self):
        """Names of the parts so far."""
        return self.__dict__.setdefault("_sent", [])
