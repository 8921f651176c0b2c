"""Names of families elsewhere, to answer a user who tries one."""

#: What other packages and textbooks call the families of this one.
ALSO_CALLED = {
    "expon": "exponential",
    "gaussian": "normal",
    "genextreme": "gev",
    "genpareto": "generalized_pareto",
    "invgamma": "inverse_gamma",
    "invgauss": "inverse_gaussian",
    "lognorm": "lognormal",
    "mvn": "multivariate_normal",
    "nbinom": "negative_binomial",
    "norm": "normal",
    "t": "student_t",
    "vonmises": "von_mises",
}
