"""Names of families elsewhere: those that stand for a family here, and those that do not."""

#: Names of ``scipy.stats`` that stand for the family of the same densities. Its parameters keep
#: their names here; ``to_scipy`` of a fit has scipy's.
ALIASES = {
    "expon": "exponential",
    "exponweib": "exponentiated_weibull",
    "fisk": "log_logistic",
    "genextreme": "gev",
    "genpareto": "generalized_pareto",
    "gumbel_l": "gumbel_min",
    "gumbel_r": "gumbel",
    "halfnorm": "half_normal",
    "invgamma": "inverse_gamma",
    "invgauss": "inverse_gaussian",
    "lognorm": "lognormal",
    "nbinom": "negative_binomial",
    "norm": "normal",
    "powerlaw": "power_law",
    "skewnorm": "skew_normal",
    "t": "student_t",
    "vonmises": "von_mises",
    "weibull_min": "weibull",
}

#: Names that are answered with the name used here: what textbooks and other packages call a
#: family, and names of scipy's whose density is another one without further arguments (``geom``
#: begins at one, ``binom`` needs the number of trials).
ALSO_CALLED = {
    "binom": "binomial",
    "chi_squared": "chi2",
    "chisquare": "chi2",
    "extreme_value": "gev",
    "gaussian": "normal",
    "geom": "geometric",
    "loglogistic": "log_logistic",
    "mvn": "multivariate_normal",
    "student": "student_t",
}
