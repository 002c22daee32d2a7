"""The page: one HTML file that needs no network, with every figure explained and the samples to look at."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from training.evaluation.rows import ROWS, columns, text
from training.layers.sampling import LEAST, MOST

STYLE = """
:root { color-scheme: light; --ink: #23262b; --quiet: #6a7280; --line: #dfe3e8; --mark: #2f6f8f; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: #fafbfc; margin: 0; }
main { max-width: 1180px; margin: 0 auto; padding: 24px 28px 60px; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 20px; margin: 40px 0 8px; } h3 { font-size: 16px; margin: 26px 0 6px; }
p { margin: 6px 0 10px; max-width: 880px; } .quiet, figcaption { color: var(--quiet); }
.warn { background: #fff4d6; border: 1px solid #ecd798; padding: 8px 12px; border-radius: 6px; }
table { border-collapse: collapse; background: #fff; border: 1px solid var(--line); font-size: 14px; }
th, td { padding: 5px 10px; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; font-variant-numeric: tabular-nums; }
th { background: #f1f4f7; font-weight: 600; } th:first-child, td:first-child, td.words, th.words { text-align: left; }
td:first-child { min-width: 170px; } td.words { color: var(--quiet); font-size: 13px; min-width: 130px; } td.words:last-child { min-width: 230px; }
.cards { display: flex; flex-wrap: wrap; gap: 12px; } figure { margin: 0; background: #fff; border: 1px solid var(--line); border-radius: 6px; padding: 8px; max-width: 560px; }
figcaption { font-size: 12px; line-height: 1.35; margin-top: 4px; } img { image-rendering: pixelated; background: #e9ecf0; max-width: 100%; display: block; }
.cards > img { border: 1px solid var(--line); } svg text { font: 12px system-ui, sans-serif; fill: var(--quiet); } svg line { stroke: var(--ink); }
.bar { fill: #7fb0c6; } .zero { fill: #c98a4b; } code { background: #eef1f4; padding: 1px 4px; border-radius: 3px; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
"""


def page(figures: Mapping[str, Any], galleries: str) -> str:
    """The whole document."""
    subject = figures["subject"]
    quick = (
        '<p class="warn">A quick look: too few samples for figures to quote, and not to be compared with those of a full evaluation.</p>'
        if figures["quick"]
        else ""
    )
    begun = (
        f'<p class="warn">Not begun, hence not measured: {escape(", ".join(subject["not_begun"]))}.</p>'
        if subject["not_begun"]
        else ""
    )
    title = f"Evaluation of {escape(subject['name'])}"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title><style>{STYLE}</style></head>
<body><main>
<h1>{title}</h1>
<p class="quiet">{subject["kind"]}, sha256 <code>{subject["sha256"][:16]}</code>; {figures["settings"]["samples"]:,} samples of each kind, seed {figures["settings"]["seed"]}.
<code>{escape(figures.get("command", ""))}</code></p>
{quick}{begun}
<h2>Redrawing the art</h2>
{_exact(figures)}
<h2>What is new</h2>
<p>Each sample matches a real drawing in group, item and view, so a column differs from “the art” only in how it is drawn. <b>Items</b>: the pack's own,
redrawn, all layers. The other kinds are of the layers whose items can vary: <b>mixtures</b> have {LEAST:.0%} to {MOST:.0%} of another item, as novelty does in the product;
<b>around</b> is an item with noise; <b>prior</b> is drawn from the distribution of codes. Copying (the art again, with repetition) and mixing pixels (each pixel
from one of two items) are what a generator must lie between: as real as the first, as new as the second.</p>
{_table(figures)}
<h2>Floors</h2>
<p>How far real art is from real art, and the samples beside it at equal numbers: mean and deviation over seeds. <b>Drawings</b>: random halves of the real drawings, which
hold the same items; the strictest. <b>Items</b>: half of the items against the other half; how far honest new art would be.</p>
{_floors(figures)}
<h2>The same character in every view</h2>
<p>A classifier of items, trained on the art, follows each code over views that it has not seen. “Another code in every view” is what a generator without identity would get.</p>
{_consistency(figures)}
<h2>Group by group</h2>
{_groups(figures)}
{galleries}
<h2>How this was measured</h2>
{_method(figures)}
</main></body></html>
"""


def _grid(head: list[str], rows: list[list[str]], words: tuple[int, ...] = ()) -> str:
    def cells(tag: str, row: list[str]) -> str:
        return "".join(f"<{tag}{' class=words' if k in words else ''}>{x}</{tag}>" for k, x in enumerate(row))

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f'<div class="wide"><table><tr>{cells("th", head)}</tr>{body}</table></div>'


def _exact(figures: Mapping[str, Any]) -> str:
    names = {"seen": "drawings of the pack", "heldout": "drawings held out of training"}
    rows = [
        [names[part], f"{x['all']['exact_slots']:.2%}", f"{x['all']['alpha']:.3%}"]
        for part, x in figures["exact"].items()
    ]
    return (
        "<p>Pixels drawn in exactly the right slot, and pixels rightly opaque or transparent, over all poses the art has. 99% and 99.98% are good.</p>"
        + _grid(["", "exact slots", "alpha"], rows)
    )


def _table(figures: Mapping[str, Any]) -> str:
    names = columns(figures)
    rows = [
        [escape(r.title), *(text(figures, r, c) for c in names), escape(r.good), escape(r.meaning)]
        for r in ROWS
        if any(text(figures, r, c) for c in names)
    ]
    for name in names:
        fid = (figures["modes"].get(name) or figures["baselines"].get(name) or {}).get("fid")
        if fid:
            label = next(iter(fid))
            rows.append(
                [
                    f"{escape(label.upper())} of {escape(name)}",
                    f"{fid[label]:.2f}",
                    *[""] * len(names),
                    "Inception network",
                ]
            )
    k = len(names)
    return _grid(["", *map(escape, names), "good is", "what it is"], rows, (k + 1, k + 2))


def _floors(figures: Mapping[str, Any]) -> str:
    rows = []
    for column, x in {**figures["modes"], **figures["baselines"]}.items():
        for space, found in x["realism"].items():
            for name, floor in found["floors"].items():
                if floor is None:
                    continue
                real, drawn = floor["frechet"], floor["sampled_frechet"]
                rows.append([
                    escape(column), space, name, f"{floor['n']:,}", f"{real['mean']:.3f} ± {real['deviation']:.3f}",
                    f"{drawn['mean']:.3f} ± {drawn['deviation']:.3f}", f"{floor['ratio']:.2f}",
                    f"{floor['kernel']['mean']:.4f}", f"{floor['sampled_kernel']['mean']:.4f}",
                ])  # fmt: skip
    head = [
        "",
        "features",
        "floor",
        "n each",
        "Frechet, real",
        "Frechet, samples",
        "ratio",
        "kernel, real",
        "kernel, samples",
    ]
    return _grid(head, rows)


def _consistency(figures: Mapping[str, Any]) -> str:
    rows = []
    first = next(
        (m for m in figures["modes"] if m != "items"), ""
    )  # what is compared with is the same for all of these
    for mode, x in figures["modes"].items():
        for which, found in x["consistency"].items():
            y = found["all"]
            if which == "samples" or mode == first:
                label = f"<b>{escape(mode)}</b>" if which == "samples" else which
                rows.append(
                    [label, f"{y['agreement']:.1%}", f"{y['recognised']:.1%}", f"{y['chance']:.1%}", str(y["n"])]
                )
    return (
        _grid(["", "agreement", "recognised", "by chance", "codes"], rows)
        if rows
        else "<p>No group has enough views.</p>"
    )


def _groups(figures: Mapping[str, Any]) -> str:
    parts = []
    for mode, x in figures["modes"].items():
        followed = x["consistency"].get("samples", {})
        rows = []
        for name, g in x["groups"].items():
            c, real = x["clarity"][name], figures.get("art", {}).get("clarity", {}).get(name)
            rows.append([
                escape(name), str(g["n"]),
                *(f"{g[k]:.4f}" if k in g else "" for k in ("kernel in-domain", "kernel random")),
                f"{c['strange']:.1%}", f"{real['strange']:.1%}" if real and real["strange"] is not None else "", f"{c['orphans']:.2%}",
                f"{real['orphans']:.2%}" if real else "", f"{g['copies']:.1%}", f"{g['distance']:.1%}",
                f"{followed[name]['agreement']:.1%}" if name in followed else "",
            ])  # fmt: skip
        head = [
            "group",
            "n",
            "kernel, trained",
            "kernel, random",
            "strange",
            "art",
            "orphans",
            "art",
            "copies",
            "distance",
            "agreement",
        ]
        parts.append(f"<h3>{escape(mode)}</h3>" + _grid(head, rows))
    return "\n".join(parts)


def _method(figures: Mapping[str, Any]) -> str:
    features = figures["features"]
    rows = [
        ["subject", f"<code>{figures['subject']['sha256']}</code>"],
        ["pack", f"<code>{figures['pack_sha256']}</code>"],
        [
            f"trained features, version {features['version']}, {features['source']}",
            f"<code>{features['in-domain']}</code>",
        ],
        ["random features", f"<code>{features['random']}</code>"],
        *([["Inception", f"<code>{features['inception']}</code>"]] if "inception" in features else []),
        ["with", escape(", ".join(f"{k} {v}" for k, v in figures["versions"].items()))],
    ]
    note = (
        "Figures of two evaluations may be compared only where pack, features, number of samples and seed are the same."
    )
    return f"<p>{note} See docs/evaluation.md.</p>" + _grid(["", "sha256"], rows, (1,))
