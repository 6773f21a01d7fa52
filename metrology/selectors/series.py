"""Reads of series: lists, and everything that the page, the chart, the table, the CSV file and the API say of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.urls import reverse

from common.errors import NotFoundError
from metrology.attributes.registry import ATTRIBUTES, Attribute
from metrology.attributes.verdict import ERROR_PROBABILITY, GUARD_SIGMA
from metrology.charts.control_chart import control_chart
from metrology.charts.control_data import ChartPoint, ControlChart, FlagSpan, LimitSpan, Mark, with_unit
from metrology.charts.control_text import csv_text, rows, summary
from metrology.models import Assessment, FlagSignal, Series
from metrology.selectors.certainty import CANNOT_TELL, certain_points
from metrology.selectors.vocabulary import signal_words, title_of, unit_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet

    from instruments.models import Facility
    from metrology.attributes.verdict import Verdict

DIAMONDS = (
    f"An open diamond marks a value within {GUARD_SIGMA:.2f} standard errors of a limit of its day: too uncertain to tell "
    f"whether it is beyond, with at most {ERROR_PROBABILITY:.0%} probability of a wrong verdict. Measure again to tell."
)
_SHOWN = ("instrument", "optical_path", "light_setting__light_source", "standard", "protocol", "assessment")
LIMIT_NAMES = ("tolerance_low", "tolerance_high", "action_low", "action_high")


@dataclass(frozen=True, slots=True)
class SeriesRecord:
    """One series and what was concluded about it.

    Parameters
    ----------
    series : Series
        With its instrument, path, standard and protocol.
    attribute : Attribute
        Its definition.
    channel_name : str
        Name of the channel and of the detector behind it, as far as known; of power, the light source and its setting.
    assessment : Assessment or None
        None until a worker has judged it.
    chart : ControlChart
        What its chart, table and CSV are made from.
    """

    series: Series
    attribute: Attribute
    channel_name: str
    assessment: Assessment | None
    chart: ControlChart

    @property
    def status(self) -> str:
        """The verdict on the series."""
        return self.assessment.status if self.assessment else "no_data"

    @property
    def title(self) -> str:
        """Name of the quantity."""
        return title_of(self.attribute)

    @property
    def unit(self) -> str:
        """Its unit; empty for pure numbers."""
        return unit_of(self.attribute)

    @property
    def summary(self) -> str:
        """One sentence on what the chart shows."""
        return summary(self.chart)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The points in time order, as table, CSV file and API give them."""
        return rows(self.chart)

    @property
    def lede(self) -> str:
        """Where and on what it is measured, in one line."""
        series = self.series
        parts = (series.instrument, self.channel_name, series.standard, series.optical_path)
        return " · ".join(str(part) for part in parts if part)

    @property
    def certainty(self) -> str:
        """What the bars and the open diamonds of the chart mean, in words; empty where no uncertainty is known."""
        if all(point.uncertainty is None for point in self.chart.points):
            return ""
        words = "Bars are ± one standard error."
        judged = any(point.verdict for point in self.chart.points)
        return f"{words} {DIAMONDS}" if judged else f"{words} No limit is set that a value could be too uncertain for."

    @property
    def price(self) -> str:
        """What watching this series costs, in words; empty without a baseline."""
        return str(self._result.get("price") or "")

    @property
    def epochs(self) -> list[dict[str, Any]]:
        """The baselines, the latest first."""
        return list(reversed(self._result.get("epochs", [])))

    @property
    def limits(self) -> dict[str, float | None]:
        """The absolute limits that the chart was judged by."""
        found = self._result.get("limits") or {}
        return {name: found.get(name) for name in LIMIT_NAMES}

    @property
    def signals(self) -> list[dict[str, Any]]:
        """What the charts signalled, the latest first."""
        return [
            signal | {"words": signal_words(signal["kind"])} for signal in reversed(self._result.get("signals", []))
        ]

    @property
    def _result(self) -> dict[str, Any]:
        return self.assessment.result if self.assessment else {}


def series_list(facility: Facility) -> QuerySet[Series]:
    """Return the facility's series, the most urgent first, without their charts' data."""
    return (
        Series.objects.filter(instrument__facility=facility)
        .select_related(*_SHOWN)
        .defer("assessment__result", "assessment__sparkline")
        .order_by("-assessment__urgency", "instrument__name", "attribute_id", "channel", "pk")
    )


def series_row(facility: Facility, pk: int) -> Series:
    """Return one series of the facility, without its chart.

    Raises
    ------
    NotFoundError
        If the facility has no such series.
    """
    series = (
        Series.objects.filter(instrument__facility=facility, pk=pk)
        .select_related("instrument__facility", *_SHOWN)
        .first()
    )
    if series is None:
        raise NotFoundError(
            f"There is no series {pk} in {facility}.", hint="Choose one from the page of an instrument.", series=pk
        )
    return series


def series_get(facility: Facility, pk: int) -> SeriesRecord:
    """Return one series of the facility with its chart.

    Raises
    ------
    NotFoundError
        If the facility has no such series.
    """
    series = series_row(facility, pk)
    assessment = getattr(series, "assessment", None)
    return SeriesRecord(
        series=series,
        attribute=ATTRIBUTES[series.attribute_id],
        channel_name=channel_name(series),
        assessment=assessment,
        chart=_chart(series, assessment.result if assessment else {}),
    )


def series_csv(record: SeriesRecord) -> str:
    """Return the points of a series as a CSV file."""
    return csv_text(record.chart)


def series_figure(record: SeriesRecord) -> dict[str, Any]:
    """Return the control chart as a figure whose points lead to their acquisition and show its picture."""
    figure = control_chart(record.chart)
    for trace in figure["data"]:
        if "customdata" in trace:
            told = trace["customdata"]
            trace["text"] = [_words(*point, unit=record.unit) for point in told]
            trace["customdata"] = [_links(point[0], record.series) for point in told]
            trace.pop("hovertemplate", None)
    layout = figure["layout"]
    layout["legend"] = {"orientation": "h", "y": -0.12, "yanchor": "top"}  # grows downwards, away from the dates
    return figure


def channel_name(series: Series) -> str:
    """Return the name of the channel that a series is measured in, with its detector."""
    if series.optical_path is None:
        return series.place
    found = series.optical_path.channels.select_related("detector").filter(index=series.channel).first()
    if found is None:
        return f"channel {series.channel}"
    return f"{found.name} · {found.detector}" if found.detector else found.name


def _links(acquisition: str, series: Series) -> list[str | None]:
    """Return the two addresses of a point: its acquisition's page and its picture; readings of a meter have none."""
    if not acquisition:
        return [None, None]
    imaged = series.light_setting_id is None
    return [
        reverse("metrology:acquisition", args=[acquisition]),
        reverse("metrology:acquisition-preview", args=[acquisition, series.channel]) if imaged else None,
    ]


def _words(
    _acquisition: str, z: float | None, statuses: str, note: str, uncertainty: float | None, verdict: str, *, unit: str
) -> str:
    """Say what a hovered point means."""
    parts = [
        f"± {with_unit(f'{uncertainty:.2g}', unit, brackets=False)}" if uncertainty is not None else "",
        f"z = {z:+.2f} σ" if z is not None else "",
        statuses.replace("_", " "),
        "too uncertain to tell whether beyond its limits" if verdict == CANNOT_TELL else "",
        note,
    ]
    return " · ".join(part for part in parts if part)


def _chart(series: Series, result: dict[str, Any]) -> ControlChart:
    """Turn the stored judgement into what is drawn."""
    attribute = ATTRIBUTES[series.attribute_id]
    limits = result.get("limits") or {}
    points = _points(result, certain_points(series) if result else {})
    return ControlChart(
        title=title_of(attribute),
        unit=unit_of(attribute),
        points=points,
        limits=_spans(result),
        tolerance=_levels(limits, "tolerance"),
        action=_levels(limits, "action"),
        marks=_marks(series, result, points),
        flags=_flags(series),
        harmful=attribute.harmful,
    )


def _points(result: dict[str, Any], certain: dict[int, tuple[float | None, Verdict | None]]) -> list[ChartPoint]:
    """Return the points that were judged, each with its uncertainty and how it lies to the limits of its day."""
    kinds: dict[int, list[str]] = {}
    for signal in result.get("signals", []):
        kinds.setdefault(signal["acquisition"], []).append(signal["kind"])
    points = [
        ChartPoint(
            date=point["date"],
            value=point["value"],
            z=point["z"],
            ewma=point["ewma_value"],
            statuses=_statuses(point, kinds.get(point["acquisition"], [])),
            acquisition=str(point["acquisition"]),
            uncertainty=certain.get(point["acquisition"], (None, None))[0],
            verdict=certain.get(point["acquisition"], (None, None))[1] or "",
        )
        for point in result.get("points", [])
    ]
    points += [
        ChartPoint(
            date=point["date"],
            value=point["value"],
            statuses=("invalid",),
            acquisition=str(point["acquisition"]),
            note=point["reason"],
            uncertainty=certain.get(point["acquisition"], (None, None))[0],
        )
        for point in result.get("invalid", [])
    ]
    return sorted(points, key=lambda point: point.date)


def _statuses(point: dict[str, Any], signalled: Sequence[str]) -> tuple[str, ...]:
    """Say of a point by which charts it signalled, else how it stands."""
    if point["status"] == "signal" and signalled:
        return tuple(dict.fromkeys(signalled))
    return (point["status"],)


def _spans(result: dict[str, Any]) -> list[LimitSpan]:
    """Return the limits that were in force, one span for each baseline that was."""
    return [
        LimitSpan(
            start=segment["start"],
            stop=segment["stop"],
            centre=segment["centre"],
            low=segment["lower"],
            high=segment["upper"],
            ewma_limits=tuple(segment["ewma_limits"]),
            stage=segment["stage"],
        )
        for segment in result.get("segments", [])
        if segment["centre"] is not None
    ]


def _levels(limits: dict[str, Any], kind: str) -> tuple[float, ...]:
    levels = (limits.get(f"{kind}_low"), limits.get(f"{kind}_high"))
    return tuple(level for level in levels if level is not None)


def _marks(series: Series, result: dict[str, Any], points: Sequence[ChartPoint]) -> list[Mark]:
    """Return service events since the first scan, and the epochs that no event explains."""
    if not points:
        return []
    events = series.instrument.service_events.order_by("ended_at")
    marks = [
        Mark(event.ended_at.isoformat(), event.get_kind_display())
        for event in events
        if event.ended_at.isoformat() >= points[0].date
    ]
    marks += [
        Mark(epoch["start"], epoch["opened_by"], role="epoch")
        for epoch in result.get("epochs", [])[1:]
        if epoch["service_event"] is None
    ]
    return marks


def _flags(series: Series) -> list[FlagSpan]:
    """Return the flags to which this series contributed, each by its first signal."""
    spans: dict[int, FlagSpan] = {}
    for signal in FlagSignal.objects.filter(series=series).order_by("signalled_at", "pk"):
        spans.setdefault(
            signal.flag_id,
            FlagSpan(
                date=signal.signalled_at.isoformat(),
                since=signal.since.isoformat(),
                since_low=signal.since_low.isoformat(),
                since_high=signal.since_high.isoformat(),
                text="changed",
            ),
        )
    return list(spans.values())
