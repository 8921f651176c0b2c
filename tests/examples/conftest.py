import pytest


@pytest.fixture(autouse=True)
def style_and_figures_are_put_back():
    """Examples set the style of matplotlib, which would stay for the tests of others."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    with matplotlib.rc_context():
        yield
    plt.close("all")
