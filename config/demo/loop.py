"""The whole loop, arrow by arrow, through the same services that the pages call.

Scan → read → measure → series → control chart → flag → case → training → comparison → release → restored image. Each step
finds what an earlier run left done, so that a second run goes on where the first one was.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from django.db.models import Count
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from common.models import ACTIVE_STATES, JobState
from config.demo.catalogue import account_make, facility_make, started_at
from config.demo.real_images import WIDEFIELD, ingest_real_images
from config.demo.report import LoopFailedError
from config.demo.scans import ingest_scans
from enhancement.models import Case, ModelState, RestorationModel, TrainingRun
from enhancement.runtime.telling import patiently
from enhancement.services.cases import case_open
from enhancement.services.releases import model_release
from enhancement.services.restoration import restoration_request
from enhancement.services.training import training_start
from instruments.models import Instrument
from instruments.simulator.fleet import AGEING_STARTS_WEEK, WEEKS
from instruments.simulator.schedule import demo_facility, paired_fields
from instruments.simulator.specimens import Standard as SimulatedStandard
from metrology.models import Acquisition, Assessment, Flag, FlagState, Health, Measurement, Series, Verdict
from metrology.services.references import reference_set

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rich.console import Console

    from common.models import Job
    from config.demo.report import Report
    from config.embedded.supervisor import Supervisor
    from instruments.models import Facility
    from instruments.simulator.schedule import ScanPlan

AGEING = "LSM 510"
STEADY = "LSM 780"
REPAIRED = "LSM 880"
LOOK_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30 * 60
TISSUE_WEEK = WEEKS - 1 + 11 / (7 * 24)


class Loop:
    """Runs the arrows on one facility.

    Parameters
    ----------
    supervisor : Supervisor
        Its workers do the work; it is looked after while the loop waits.
    report : Report
        Told what happened.
    folder : Path
        Where simulated scans are written.
    """

    def __init__(self, supervisor: Supervisor, report: Report, *, folder: Path) -> None:
        self.supervisor = supervisor
        self.report = report
        self.console = report.console
        self.folder = folder
        self.plan = demo_facility()
        self.facility: Facility = facility_make(self.plan)
        self.staff = account_make("staff")
        self.runs: list[TrainingRun] = []

    # the simulated facility ------------------------------------------------------------------------------------------
    def scans(self) -> None:
        """Scan, read, measure: 60 weeks of three instruments, and tissue seen by two detectors at once."""
        plans = [*self.plan.scans, *paired_fields(week=TISSUE_WEEK)]
        self._references(plans)
        with self.report.arrow("scan") as arrow:
            found = ingest_scans(self.facility, plans, self.folder, started_at(self.facility))
            with self._progress("scans written and ingested", len(plans)) as step:
                taken = []
                for one in found:
                    taken.append(one)
                    step()
            new = sum(not one.duplicate for one in taken)
            arrow.what = f"{len(plans)} files of {len(self.plan.instruments)} instruments, {new} of them new"
        self._measured([one.acquisition for one in taken])

    def _references(self, plans: list[ScanPlan]) -> None:
        """Make each instrument's first marble scan the reference of the later ones (SSIM, PSNR ...)."""
        firsts = [plan for plan in plans if plan.standard is SimulatedStandard.MARBLES and int(plan.week) == 0]
        with self.report.arrow("reference") as arrow:
            taken = ingest_scans(self.facility, firsts, self.folder, started_at(self.facility))
            ids = [one.acquisition.pk for one in taken]
            active = Acquisition.objects.filter(pk__in=ids, state__in=[JobState.QUEUED, JobState.RUNNING])
            self._wait(lambda: not active.exists())
            for row in Acquisition.objects.filter(pk__in=ids, reference_of=None):
                reference_set(row, user=self.staff)
            arrow.what = f"the first marble scan of {len(ids)} instruments"

    def judged(self) -> None:
        """Series, control chart, flag: what must be found, and what must not."""
        names = [AGEING, STEADY, REPAIRED]
        with self.report.arrow("series") as arrow:
            self._wait(lambda: not Health.objects.filter(instrument__name__in=names, needs_assessment=True).exists())
            counts = Series.objects.filter(instrument__name__in=names).aggregate(series=Count("pk", distinct=True))
            values = Measurement.objects.filter(series__instrument__name__in=names).count()
            arrow.what = f"{counts['series']} series, {values} values"
        with self.report.arrow("control chart") as arrow:
            states = Assessment.objects.filter(series__instrument__name__in=names).values("status")
            counted = states.annotate(n=Count("pk")).order_by("status").values_list("status", "n")
            arrow.what = ", ".join(f"{n} {status.replace('_', ' ')}" for status, n in counted)
        with self.report.arrow("flag") as arrow:
            arrow.what = self._flags()

    def _flags(self) -> str:
        """Check the verdicts against what the simulation knows.

        Raises
        ------
        LoopFailedError
            If the ageing instrument is not flagged, was flagged before it aged, or a healthy one is flagged.
        """
        flag = self._flag()
        onset = started_at(self.facility).timestamp() + AGEING_STARTS_WEEK * 7 * 86_400
        if flag.raised_at.timestamp() < onset:
            raise LoopFailedError(f"{AGEING} was flagged before it began to age.", hint="Look at its series.")
        if Flag.objects.filter(instrument__name=STEADY).exists():
            raise LoopFailedError(f"{STEADY} is in control but was flagged.", hint="Look at its series.")
        repaired = Flag.objects.filter(instrument__name=REPAIRED)
        if [one.state for one in repaired] != [FlagState.RESOLVED]:
            raise LoopFailedError(f"The flag of {REPAIRED} was not resolved by its service.", hint="Look at its flags.")
        weeks = (flag.raised_at.timestamp() - onset) / (7 * 86_400)
        moved = sorted({signal.series.attribute_id for signal in flag.signals.select_related("series")})
        return (
            f"{AGEING} flagged {weeks:.0f} weeks after its ageing began ({', '.join(moved)}); {STEADY} not flagged; "
            f"{REPAIRED} flagged {repaired[0].raised_at:%Y-%m-%d} and resolved by its service"
        )

    def _flag(self) -> Flag:
        flag = Flag.objects.filter(instrument__name=AGEING).order_by("raised_at").last()
        if flag is None:
            raise LoopFailedError(f"{AGEING} aged but was not flagged.", hint="Look at its series.")
        return flag

    def restored(self) -> None:
        """Case, training, comparison, release, restored image, for the flagged instrument."""
        with self.report.arrow("case") as arrow:
            case = case_open(user=self.staff, flag=self._flag())
            arrow.what = case.title
        newest = Acquisition.objects.filter(instrument__name=AGEING, standard__kind="kidney", state=JobState.DONE)
        self._train_and_restore(case, newest.latest("acquired_at"))

    # real images -----------------------------------------------------------------------------------------------------
    def real(self, folder: Path) -> None:
        """Run the loop on real images, as two further instruments."""
        with self.report.arrow("scan (real images)") as arrow:
            taken = list(ingest_real_images(self.facility, folder))
            seen = [one.acquisition for one in taken]
            arrow.what = f"{len(taken)} files, {sum(not one.duplicate for one in taken)} of them new"
        self._measured(seen, note=" (real images)")
        with self.report.arrow("control chart (real images)") as arrow:
            names = list(Instrument.objects.filter(acquisitions__in=[row.pk for row in seen]).distinct())
            self._wait(lambda: not Health.objects.filter(instrument__in=names, needs_assessment=True).exists())
            verdicts = Health.objects.filter(instrument__in=names).select_related("instrument")
            arrow.what = "; ".join(
                f"{one.instrument.name}: {one.instrument.series.count()} series, {Verdict(one.verdict).label}"
                for one in verdicts
            )
        with self.report.arrow("case (real images)") as arrow:
            instrument = Instrument.objects.get(facility=self.facility, name=WIDEFIELD)
            case = Case.objects.filter(instrument=instrument).order_by("pk").first()
            case = case or case_open(user=self.staff, instrument=instrument, title="W2S, one frame to 400 frames")
            arrow.what = case.title
        newest = instrument.acquisitions.filter(field_role="low", state=JobState.DONE).latest("acquired_at")
        self._train_and_restore(case, newest, note=" (real images)")

    # shared ----------------------------------------------------------------------------------------------------------
    def _measured(self, rows: list[Acquisition], note: str = "") -> None:
        """Wait until all these acquisitions are measured or refused."""
        waiting = Acquisition.objects.filter(pk__in=[row.pk for row in rows])
        total = waiting.count()
        with self.report.arrow(f"read and measure{note}") as arrow:
            with self._progress("scans measured", total) as each:
                done = 0
                while done < total:
                    now = patiently(waiting.exclude(state__in=ACTIVE_STATES).count)
                    for _ in range(now - done):
                        each()
                    done = now
                    self._pause()
            states = dict(waiting.values_list("state").annotate(n=Count("pk")).order_by())
            invalid = waiting.filter(validity="invalid").count()
            values = (
                Measurement.objects.filter(acquisition__in=waiting).values("series__attribute_id").distinct().count()
            )
            arrow.what = (
                f"{states.get(JobState.DONE, 0)} measured by {values} attributes, {invalid} of them kept but not charted, "
                f"{states.get(JobState.FAILED, 0)} refused"
            )

    def _train_and_restore(self, case: Case, acquisition: Acquisition, note: str = "") -> None:
        run = case.runs.order_by("pk").last() or training_start(user=self.staff, case=case)
        self.runs.append(run)
        with self.report.arrow(f"training{note}") as arrow:
            self._wait_for(run, "epochs")
            best = f"best of epoch {run.best_epoch}" if run.best_epoch is not None else "no best epoch"
            arrow.what = f"{run.training_set.pair_count} pairs, {run.epoch} epochs, {best}, ended by {run.stopped_by}"
        with self.report.arrow(f"comparison{note}") as arrow:
            arrow.what = _verdict_of(run)
        with self.report.arrow(f"release{note}") as arrow:
            model = self._release(run)
            arrow.what = f"{model.name} ({model.get_kind_display()})"
        with self.report.arrow(f"restored image{note}") as arrow:
            image, _ = restoration_request(user=self.staff, acquisition=acquisition, model=model)
            self._wait_for(image, "tiles")
            arrow.what = f"{acquisition.original_name}: {(image.size_bytes or 0) / 1e6:.1f} MB OME-TIFF"

    def _release(self, run: TrainingRun) -> RestorationModel:
        """Release what the gate allows: the network, else the best tuned filter."""
        released = run.models.filter(state=ModelState.RELEASED).first()
        if released is not None:
            return released
        allowed = run.models.filter(state=ModelState.CANDIDATE)
        model = allowed.filter(kind=RestorationModel.Kind.NETWORK, gate_passed=True).first()
        model = model or allowed.filter(kind=RestorationModel.Kind.FILTER).first()
        if model is None:
            raise LoopFailedError("The training left nothing to release.", hint="Look at its comparison.")
        return model_release(
            user=self.staff, model=model, text="Released by the demonstration, as its gate recommends."
        )

    def _wait_for(self, job: Job, unit: str) -> None:
        """Wait for a job with live progress.

        Raises
        ------
        LoopFailedError
            If it fails; the sentence is its own.
        """
        with _bar(self.console) as bar:
            task = bar.add_task(f"  {unit}", total=100)
            began = time.monotonic()
            while job.is_active:
                patiently(job.refresh_from_db)
                bar.update(task, completed=job.progress_percent, description=f"  {job.stage or unit}")
                if time.monotonic() - began > LONGEST_WAIT_SECONDS:
                    raise LoopFailedError(
                        "The work did not end in half an hour.", hint="Look at the log of its worker."
                    )
                self._pause()
        if job.state != JobState.DONE:
            raise LoopFailedError(job.error_message or f"It ended as {job.state}.", hint="See its page.")

    def _wait(self, done: Callable[[], bool]) -> None:
        began = time.monotonic()
        while not patiently(done):
            if time.monotonic() - began > LONGEST_WAIT_SECONDS:
                raise LoopFailedError("The workers did not judge in half an hour.", hint="Look at their logs.")
            self._pause()

    def _pause(self) -> None:
        self.supervisor.look()
        time.sleep(LOOK_SECONDS)

    def _progress(self, what: str, total: int) -> _Steps:
        return _Steps(_bar(self.console), what, total)


class _Steps:
    """A progress bar whose block is given a function to call at each step."""

    def __init__(self, bar: Progress, what: str, total: int) -> None:
        self.bar = bar
        self.task = bar.add_task(f"  {what}", total=total)

    def __enter__(self) -> Callable[[], None]:
        self.bar.start()
        return lambda: self.bar.advance(self.task)

    def __exit__(self, *_rest: object) -> None:
        self.bar.stop()


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


def _verdict_of(run: TrainingRun) -> str:
    """Say in a line what the gate found."""
    gate = run.gate
    word = "passed" if gate.get("passed") else "not passed"
    failed = [check["sentence"] for check in gate.get("checks", []) if not check["passed"]]
    return f"gate {word}; recommended: {gate.get('recommended', 'nothing')}. {' '.join(failed)}".strip()
