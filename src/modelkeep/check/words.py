"""What params.yaml may name, so that scikit-learn need not be imported; a test holds it to that."""

# Estimators that stand alone, by their class names
CLASSIFIERS = """
AdaBoostClassifier BaggingClassifier BernoulliNB CalibratedClassifierCV CategoricalNB
ComplementNB DecisionTreeClassifier DummyClassifier ExtraTreeClassifier
ExtraTreesClassifier GaussianNB GaussianProcessClassifier GradientBoostingClassifier
HistGradientBoostingClassifier KNeighborsClassifier LabelPropagation LabelSpreading
LinearDiscriminantAnalysis LinearSVC LogisticRegression LogisticRegressionCV
MLPClassifier MultinomialNB NearestCentroid NuSVC PassiveAggressiveClassifier Perceptron
QuadraticDiscriminantAnalysis RadiusNeighborsClassifier RandomForestClassifier
RidgeClassifier RidgeClassifierCV SGDClassifier SVC SelfTrainingClassifier
"""
REGRESSORS = """
ARDRegression AdaBoostRegressor BaggingRegressor BayesianRidge CCA DecisionTreeRegressor
DummyRegressor ElasticNet ElasticNetCV ExtraTreeRegressor ExtraTreesRegressor
GammaRegressor GaussianProcessRegressor GradientBoostingRegressor
HistGradientBoostingRegressor HuberRegressor IsotonicRegression KNeighborsRegressor
KernelRidge Lars LarsCV Lasso LassoCV LassoLars LassoLarsCV LassoLarsIC LinearRegression
LinearSVR MLPRegressor MultiTaskElasticNet MultiTaskElasticNetCV MultiTaskLasso
MultiTaskLassoCV NuSVR OrthogonalMatchingPursuit OrthogonalMatchingPursuitCV
PLSCanonical PLSRegression PassiveAggressiveRegressor PoissonRegressor QuantileRegressor
RANSACRegressor RadiusNeighborsRegressor RandomForestRegressor Ridge RidgeCV
SGDRegressor SVR TheilSenRegressor TransformedTargetRegressor TweedieRegressor
"""
ESTIMATORS = {
    "classification": frozenset(CLASSIFIERS.split()),
    "regression": frozenset(REGRESSORS.split()),
}
METRICS = {
    "classification": ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "roc_auc"),
    "regression": ("rmse", "mae", "r2", "median_absolute_error"),
}
