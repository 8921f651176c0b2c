"""Displays of fits, in scikit-learn's manner: ``from_*`` computes, ``plot`` draws.

matplotlib (``pip install "natfit[plot]"``) is imported only when something is drawn.
"""

from natfit.display.calibration import IntervalCalibrationDisplay
from natfit.display.coefficients import CoefficientsDisplay
from natfit.display.contour import LikelihoodContourDisplay
from natfit.display.convergence import ConvergenceDisplay
from natfit.display.density import DensityDisplay
from natfit.display.field import GradientFieldDisplay
from natfit.display.influence import InfluenceDisplay
from natfit.display.learning_curve import LearningCurveDisplay
from natfit.display.path import PathDisplay
from natfit.display.prediction import PredictionBandDisplay
from natfit.display.probability import ProbabilityPlotDisplay
from natfit.display.profile import ProfileDisplay
from natfit.display.residuals import QuantileResidualsDisplay
from natfit.display.spectrum import SpectrumDisplay

__all__ = [
    "CoefficientsDisplay",
    "ConvergenceDisplay",
    "DensityDisplay",
    "GradientFieldDisplay",
    "InfluenceDisplay",
    "IntervalCalibrationDisplay",
    "LearningCurveDisplay",
    "LikelihoodContourDisplay",
    "PathDisplay",
    "PredictionBandDisplay",
    "ProbabilityPlotDisplay",
    "ProfileDisplay",
    "QuantileResidualsDisplay",
    "SpectrumDisplay",
]
