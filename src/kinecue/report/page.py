"""An analysis as one HTML page for a coach: no script, nothing from the network, light and dark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from kinecue import __version__
from kinecue.exercise import Fault, Phase, Repetition, RepetitionStatus, Severity
from kinecue.report.analysis import Analysis
from kinecue.report.charts import (
    COLOURS,
    course_chart,
    courses,
    d_chart,
    feature_chart,
    feature_names,
)
from kinecue.report.words import PHASES, REASONS, SEVERITIES, number, plain, seconds, status, why
from kinecue.report.words import side as side_word

_PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8a7fd0", "#7f7f7f")
"""Okabe and Ito's colours, told apart by those who see colours differently."""
_STYLE = """
:root{color-scheme:light dark;--paper:#ffffff;--ink:#1b1f24;--soft:#5b6570;--line:#d9dee4;--card:#f5f7f9;
--good:#1a7f4b;--warn:#b26a00;--bad:#b3261e;--ideal:#0072b222;--course:#1b1f24}
@media(prefers-color-scheme:dark){:root{--paper:#14181d;--ink:#e8ecf0;--soft:#9aa6b2;--line:#333c46;--card:#1d232a;
--good:#53c48a;--warn:#f0b04f;--bad:#ff8a80;--ideal:#56b4e930;--course:#e8ecf0}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1010px;margin:0 auto;padding:24px 20px 60px}
h1{font-size:1.7rem;margin:0 0 2px}h2{font-size:1.15rem;margin:34px 0 8px}p{margin:6px 0}.soft,.note{color:var(--soft)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:10px;margin:18px 0}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:10px 14px}
.card b{display:block;font-size:1.55rem;line-height:1.25}.card span{color:var(--soft);font-size:.86rem}
figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px}
svg{display:block;width:100%;height:auto}.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(380px,1fr));gap:12px}
svg text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:var(--ink)}
svg .small{fill:var(--soft);font-size:11px;paint-order:stroke;stroke:var(--card);stroke-width:3px}
svg .title{font-weight:600;font-size:13px}
svg .number{font-weight:600;fill:var(--soft)}
.grid{stroke:var(--line);stroke-width:1}.axis{stroke:var(--soft);stroke-width:1}
.guide{stroke:var(--soft);stroke-width:1;stroke-dasharray:4 4}.course{fill:none;stroke:var(--course);stroke-width:1.6}
.rep{stroke:none}.rep.valid{fill:var(--good);fill-opacity:.20}.rep.partial{fill:var(--warn);fill-opacity:.30}
.rep.other{fill:var(--soft);fill-opacity:.20}.fault{fill:var(--bad)}.ideal{fill:var(--ideal)}
.ideal-line{fill:none;stroke:var(--soft);stroke-width:1.2;stroke-dasharray:5 4}
.rep-line{fill:none;stroke-width:1.5;stroke-opacity:.75}.bar.rest{fill:var(--soft)}
.key{display:flex;flex-wrap:wrap;gap:4px 16px;margin:8px 2px 0;font-size:.86rem;color:var(--soft)}
.key i{display:inline-block;width:12px;height:12px;border-radius:3px;margin-right:6px;vertical-align:-1px}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.92rem}
th,td{text-align:left;padding:6px 12px 6px 0;border-bottom:1px solid var(--line);vertical-align:top;white-space:nowrap}
td.wide{white-space:normal;min-width:14em}th{color:var(--soft);font-weight:600}td.n,th.n{text-align:right}
.tag{border-radius:6px;padding:1px 8px;font-size:.82rem;border:1px solid currentColor}
.danger,.risk{color:var(--bad)}.efficiency,.partialtext{color:var(--warn)}.style{color:var(--soft)}.goodtext{color:var(--good)}
footer{margin-top:44px;color:var(--soft);font-size:.86rem}
@media print{main{max-width:none}figure,.card{break-inside:avoid}}
"""
_MAIN_FEATURES = 6


def to_page(analysis: Analysis) -> str:
    """The whole page."""
    model = analysis.model
    title = f"{model.title}: {analysis.file}"
    colours = "".join(
        f".c{i}{{fill:{c}}}.s{i}{{stroke:{c}}}.k{i}{{background:{c}}}" for i, c in enumerate(_PALETTE)
    )
    body = "".join(
        (
            f"<h1>{escape(model.title)}</h1>",
            f'<p class="soft">{escape(analysis.file)}, {seconds(analysis.duration)}'
            f"{f', {escape(analysis.person)}' if analysis.person else ''}</p>",
            _recognised(analysis),
            _cards(analysis),
            _course(analysis),
            _d(analysis),
            _features(analysis),
            _faults(analysis),
            _table(analysis),
            _unjudged(analysis),
            _notes(analysis),
            f"<footer>KineCue {escape(__version__)}. D says how far a movement is from the ideal one for this person, in "
            "tolerances: under 1 is good. It is advice on technique, not medical advice.</footer>",
        )
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}{colours}</style></head><body><main>{body}</main></body></html>\n"
    )


def _recognised(analysis: Analysis) -> str:
    guess = analysis.guess
    if guess is None:
        return ""
    others = ", ".join(
        f"{plain(name)} {100 * p:.0f} %"
        for name, p in zip(guess.candidates, guess.probabilities, strict=True)
        if name != guess.exercise
    )
    text = f"Recognised from the movement ({100 * guess.probability:.0f} % sure)"
    return f'<p class="soft">{escape(text)}{escape(f"; otherwise {others}" if others else "")}.</p>'


def _cards(analysis: Analysis) -> str:
    counted = [rep for rep in analysis.repetitions if rep.number]
    others = [r for r in analysis.repetitions if not r.number and r.status is not RepetitionStatus.SETUP]
    cards = [(str(len(counted)), "repetitions counted"), (str(len(others)), "not counted")]
    cards.append((number(analysis.summary.d, "1"), "mean D, under 1 is good"))
    held = [rep.held_s for rep in counted if math.isfinite(rep.held_s)]
    if held:
        cards.append((seconds(max(held)), "longest hold"))
    else:
        for name in ("eccentric_s", "concentric_s"):
            times = [getattr(rep, name) for rep in counted if math.isfinite(getattr(rep, name))]
            if times:
                words = "lowering" if name == "eccentric_s" else "lifting"
                cards.append((f"{sum(times) / len(times):.1f} s", f"mean time of {words}"))
    worst = max((fault.severity for fault in analysis.faults), default=None)
    say = "none" if worst is None else f"{len(analysis.faults)}"
    cards.append((say, "faults" if worst is None else f"faults, worst: {SEVERITIES[Severity(worst)]}"))
    return (
        '<div class="cards">'
        + "".join(f'<div class="card"><b>{escape(v)}</b><span>{escape(t)}</span></div>' for v, t in cards)
        + "</div>"
    )


def _key(items: Sequence[tuple[str, str]]) -> str:
    return (
        '<div class="key">'
        + "".join(f'<span><i style="{style}"></i>{escape(name)}</span>' for style, name in items)
        + "</div>"
    )


def _course(analysis: Analysis) -> str:
    key = [
        ("background:var(--good);opacity:.45", "counted"),
        ("background:var(--warn);opacity:.6", "partial"),
        ("background:var(--soft);opacity:.45", "failed, broken off or getting into position"),
        ("background:var(--bad);border-radius:6px", "a fault begins"),
    ]
    return f"<h2>The set</h2><figure>{course_chart(analysis)}{_key(key)}</figure>"


def _d(analysis: Analysis) -> str:
    chart = d_chart(analysis)
    if not chart:
        return ""
    names = feature_names(analysis)
    key = [(f"background:{_PALETTE[i % COLOURS]}", plain(name)) for i, name in enumerate(names)]
    return (
        "<h2>How far from ideal, and by what</h2>"
        f"<figure>{chart}{_key(key)}</figure>"
        '<p class="note">Each bar is a repetition; its colours say which features caused the deviation.</p>'
    )


def _features(analysis: Analysis) -> str:
    names = feature_names(analysis)
    found = courses(analysis)[:_MAIN_FEATURES]
    if not found:
        return ""
    if analysis.model.progress is None:
        out, home = "first half", "second half"
    else:
        out, home = (PHASES[phase] for phase in (analysis.model.outward, analysis.model.homeward))
    counts = {scored.feature: scored.counts for scored in analysis.model.features}
    charts = "".join(
        f"<figure>{feature_chart(course, names.index(course.key[0]) % COLOURS, counts[course.key[0]], out, home)}</figure>"
        for course in found
    )
    return (
        f'<h2>Against the ideal for this person</h2><div class="pair">{charts}</div>'
        '<p class="note">Each line is a counted repetition, the band one tolerance about the ideal. '
        "Lines that leave the band raise D.</p>"
    )


def _faults(analysis: Analysis) -> str:
    if not analysis.faults:
        return "<h2>Faults</h2><p>None was found in what could be judged.</p>"
    ranked = sorted(analysis.faults, key=lambda f: (-int(f.severity), f.onset_ns))
    rows = "".join(_fault(analysis, fault) for fault in ranked)
    return (
        '<h2>Faults</h2><div class="scroll"><table><tr><th>fault</th><th>when</th><th>repetition</th><th>where</th>'
        f"<th>measured</th><th>what to do</th></tr>{rows}</table></div>"
    )


def _fault(analysis: Analysis, fault: Fault) -> str:
    rule = analysis.model.faults.get(fault.name)
    name = rule.title if rule else plain(fault.name)
    aside = side_word(fault.side)
    where = (fault.stage and plain(fault.stage)) or PHASES[fault.phase]
    severity = SEVERITIES[fault.severity]
    measured = (
        f"{plain(fault.feature)} {number(fault.measured.value, fault.unit)} "
        f"± {number(fault.measured.std, fault.unit)}, limit {number(fault.limit, fault.unit)}"
    )
    return (
        f'<tr><td class="wide"><span class="tag {severity}">{severity}</span> {escape(name)}'
        f"{f' ({aside})' if aside else ''}</td><td>{seconds(analysis.seconds(fault.onset_ns))}</td>"
        f"<td>{fault.repetition or '-'}</td><td>{escape(where)}</td><td>{escape(measured)}</td>"
        f"<td>{escape(plain(fault.correction))}</td></tr>"
    )


def _table(analysis: Analysis) -> str:
    shown = [rep for rep in analysis.repetitions if rep.number or rep.status is not RepetitionStatus.SETUP]
    if not shown:
        return "<h2>Repetitions</h2><p>No movement of this exercise was found.</p>"
    rows = "".join(_row(analysis, rep) for rep in shown)
    return (
        '<h2>Repetitions</h2><div class="scroll"><table><tr><th>no.</th><th></th><th>from</th><th>to</th>'
        '<th>side</th><th class="n">range</th><th class="n">peak</th><th class="n">lowering</th>'
        '<th class="n">pause</th><th class="n">lifting</th><th class="n">D</th><th class="n">lowering D</th>'
        f'<th class="n">lifting D</th><th>faults</th></tr>{rows}</table></div>'
    )


def _row(analysis: Analysis, rep: Repetition) -> str:
    reason = why(rep.reason)
    state = status(rep) + (f" ({reason})" if reason else "")
    tone = "goodtext" if rep.number else "partialtext"
    faults = ", ".join(
        analysis.model.faults[n].title if n in analysis.model.faults else plain(n) for n in rep.faults
    )
    cells = [
        f"<td>{rep.number or ''}</td>",
        f'<td class="{tone}">{escape(state)}</td>',
        f"<td>{seconds(analysis.seconds(rep.start_ns))}</td>",
        f"<td>{seconds(analysis.seconds(rep.end_ns))}</td>",
        f"<td>{side_word(rep.side)}</td>",
        f'<td class="n">{f"{100 * rep.range:.0f} %" if math.isfinite(rep.range) else "-"}</td>',
        f'<td class="n">{number(rep.feature_peak.value, rep.unit)}</td>',
        *(f'<td class="n">{seconds(v)}</td>' for v in (rep.eccentric_s, rep.pause_s, rep.concentric_s)),
        *(f'<td class="n">{number(v, "1")}</td>' for v in (rep.d, rep.d_eccentric, rep.d_concentric)),
        f'<td class="wide">{escape(faults)}</td>',
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _unjudged(analysis: Analysis) -> str:
    if not analysis.unjudged:
        return ""
    rows = []
    for item in analysis.unjudged:
        rule = analysis.model.faults.get(item.fault)
        name = rule.title if rule else plain(item.fault)
        rows.append(
            f'<tr><td class="wide">{escape(name)}</td><td>{escape(REASONS[item.reason])}</td>'
            f'<td class="n">{100 * item.share:.0f} %</td></tr>'
        )
    return (
        '<h2>What could not be judged</h2><div class="scroll"><table><tr><th>fault</th><th>because</th>'
        f'<th class="n">of the movement</th></tr>{"".join(rows)}</table></div>'
    )


def _notes(analysis: Analysis) -> str:
    unseen = sum(frame.form.phase is Phase.UNKNOWN for frame in analysis.frames)
    notes = list(analysis.notes)
    if unseen:
        notes.append(f"nobody, or not enough of them, was seen in {unseen} of {len(analysis.frames)} frames")
    if not notes:
        return ""
    return (
        "<h2>About the recording</h2><ul>" + "".join(f"<li>{escape(note)}</li>" for note in notes) + "</ul>"
    )
