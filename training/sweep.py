"""A search for better settings by Optuna: runs of one recipe whose fields are drawn, kept in a study file.

A kill loses the epoch under way: the trial that it ended is run again with the same settings, in the same folder. One
that diverges, or whose settings make no recipe, fails alone: others are drawn.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from edge_dce.errors import EdgeDceError
from edge_dce.files.output import make_folder, write_file

from .recipe import Recipe, RecipeError
from .run import DivergenceError
from .search_space import Dimension
from .settings import override
from .sweep_plot import Trial, draw_sweep

# Of each trial: where it runs. A trial that is run again has that of the first time.
_FOLDER = "folder"
# Of a trial that failed by its settings, and not by a kill: why.
_FAULT = "fault"
_SETUP = "setup"
_PLOT_SUFFIX = ".svg"
# After so many failures in a row it is not the draw that is at fault.
_MOST_FAILURES = 10


class SweepError(EdgeDceError):
    """A sweep cannot be run."""


@dataclasses.dataclass(frozen=True)
class Sweep:
    """What is looked for.

    Attributes:
        recipe: what every run has in common.
        dimensions: what is varied.
        metric: what `measure` returns.
        is_higher_better: whether the best run has its highest value.
    """

    recipe: Recipe
    dimensions: Sequence[Dimension]
    metric: str
    is_higher_better: bool

    def describe(self) -> str:
        """All of it as JSON: a study of another sweep is not continued."""
        dimensions = [dataclasses.asdict(each) for each in self.dimensions]
        return json.dumps([json.loads(self.recipe.to_json()), dimensions, self.metric])


def run_sweep(
    sweep: Sweep,
    file: Path,
    *,
    trials: int,
    measure: Callable[[Recipe, Path], float],
    report: Callable[[str], object] = print,
) -> tuple[float, list[str]]:
    """Run up to so many trials in all, those of before included; the best value and its settings, as of `--set`.

    Args:
        file: of the study, an SQLite data base; runs and the plot lie beside it in folders and files of its name.
        measure: trains by a recipe in a folder, or goes on there, and returns what the run is judged by.
        report: gets a line for each trial that fails; it does not count among `trials`.

    Raises:
        RecipeError: there is no such field, or no recipe has what could be drawn of it.
        RecipeError, DivergenceError: ten trials in a row failed, the last one so.
        SweepError: Optuna is missing, or the file is of another sweep, no study, or without an ending of its own.
        OutputError: it cannot be written.
    """
    optuna = _import_optuna()
    # Before there is a study, which would be that of what cannot be drawn.
    _check_place(file)
    _check_ends(sweep)
    make_folder(file.parent)
    study = _open_study(optuna, sweep, file)
    _enqueue_broken(optuna, study)
    failures = 0
    while (done := len(study.get_trials(states=[optuna.trial.TrialState.COMPLETE]))) < trials:
        # Drawn from what is known: the same whether the sweep was interrupted or not.
        study.sampler = optuna.samplers.TPESampler(seed=sweep.recipe.seed + done + _count_faults(study))
        trial = study.ask()
        settings = [f"{each.path}={_draw(trial, each)}" for each in sweep.dimensions]
        if _FOLDER not in trial.user_attrs:
            trial.set_user_attr(_FOLDER, f"trial-{trial.number}")
        try:
            value = _measure(sweep.recipe, settings, file.with_suffix("") / trial.user_attrs[_FOLDER], measure)
        except _TrialError as failure:
            trial.set_user_attr(_FAULT, str(failure.cause))
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            failures += 1
            if failures == _MOST_FAILURES:
                raise failure.cause from None
            report(f"{trial.user_attrs[_FOLDER]} failed: {failure.cause}")
            continue
        failures = 0
        study.tell(trial, value)
        write_file(file.with_suffix(_PLOT_SUFFIX), _draw_plot(optuna, study, sweep), overwrite=True)
    best = study.best_trial
    return best.value, [f"{path}={value}" for path, value in best.params.items()]


class _TrialError(Exception):
    """The settings of one trial are at fault, and nothing else."""

    def __init__(self, cause: RecipeError | DivergenceError) -> None:
        super().__init__(str(cause))
        self.cause = cause


def _measure(recipe: Recipe, settings: Sequence[str], folder: Path, measure: Callable[[Recipe, Path], float]) -> float:
    try:
        drawn = override(recipe, settings)
    except RecipeError as error:
        raise _TrialError(error) from error
    # Not within: what else training says of a recipe, as of a file that is missing, is true of the next one too.
    try:
        return measure(drawn, folder)
    except DivergenceError as error:
        raise _TrialError(error) from error


def _count_faults(study: Any) -> int:
    return sum(_FAULT in trial.user_attrs for trial in study.get_trials())


def _import_optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise SweepError(f"a sweep needs Optuna ({error}); run: pip install '.[sweep]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _check_place(file: Path) -> None:
    if file.suffix in ("", _PLOT_SUFFIX):
        raise SweepError(
            f"{file}: expected a file with an ending, which runs and plot beside it lack, found '{file.suffix}'; "
            f"choose --study {file.with_suffix('.db')}"
        )


def _check_ends(sweep: Sweep) -> None:
    """Raises RecipeError for a field that is none, and for ends of a range that no recipe can have."""
    for dimension in sweep.dimensions:
        others = [each for each in sweep.dimensions if each is not dimension]
        for end in dimension.ends:
            # What does not go with the recipe's own settings may go with those that are drawn with it.
            beside: list[list[str]] = [[], *([f"{each.path}={each.ends[at]}" for each in others] for at in (0, -1))]
            errors = [_find_error(sweep.recipe, [*settings, f"{dimension.path}={end}"]) for settings in beside]
            if errors[0] is not None and None not in errors:
                raise errors[0]


def _find_error(recipe: Recipe, settings: Sequence[str]) -> RecipeError | None:
    try:
        override(recipe, settings)
    except RecipeError as error:
        return error
    return None


def _open_study(optuna: Any, sweep: Sweep, file: Path) -> Any:
    import sqlalchemy

    try:
        study = optuna.create_study(
            storage=f"sqlite:///{file.resolve()}",
            study_name="sweep",
            direction="maximize" if sweep.is_higher_better else "minimize",
            load_if_exists=True,
        )
    except (optuna.exceptions.OptunaError, sqlalchemy.exc.SQLAlchemyError) as error:
        cause = " ".join(str(error).split())[:120]
        raise SweepError(f"{file}: expected a study or a new file, found something else ({cause})") from None
    setup = study.user_attrs.get(_SETUP)
    if setup not in (None, sweep.describe()):
        raise SweepError(
            f"{file}: expected the study of this recipe, --set and --metric, found another; choose another --study"
        )
    study.set_user_attr(_SETUP, sweep.describe())
    return study


def _enqueue_broken(optuna: Any, study: Any) -> None:
    """Put what a kill ended at the head of the queue."""
    for trial in study.get_trials(states=[optuna.trial.TrialState.RUNNING]):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        # One that was killed before all was drawn has no run yet, and one with a fault would fail again.
        if _FOLDER in trial.user_attrs and _FAULT not in trial.user_attrs:
            study.enqueue_trial(trial.params, user_attrs={_FOLDER: trial.user_attrs[_FOLDER]})


def _draw(trial: Any, dimension: Dimension) -> Any:
    if dimension.choices:
        return trial.suggest_categorical(dimension.path, dimension.choices)
    suggest, kind = (trial.suggest_int, int) if dimension.is_whole else (trial.suggest_float, float)
    return suggest(dimension.path, kind(dimension.low), kind(dimension.high), log=dimension.is_logarithmic)


def _draw_plot(optuna: Any, study: Any, sweep: Sweep) -> bytes:
    done = study.get_trials(states=[optuna.trial.TrialState.COMPLETE])
    logarithmic = [each.path for each in sweep.dimensions if each.is_logarithmic]
    trials = [Trial(trial.value, trial.params) for trial in done]
    return draw_sweep(trials, sweep.metric, logarithmic, is_higher_better=sweep.is_higher_better)
