"""The whole page of a study."""

from __future__ import annotations

from markupsafe import Markup

from ablation.language import numbers as fmt
from ablation.report.context import make_context
from ablation.report.inputs import Inputs
from ablation.report.render import environment, joined
from ablation.results.bundle import document, embed, parted

STYLE = ("style/page.css", "style/drawers.css", "style/looks.css")
SCRIPT = ("script/page.js", "script/tables.js")


def build(inputs: Inputs) -> str:
    """The whole page. Style, script and the study's data are put into it, so that it stands alone.

    The same input gives the same bytes.
    """
    data = document(
        inputs.study.plain, inputs.comparisons, inputs.tables["replicates"], inputs.config
    )
    lasting, run = parted(data)
    template = environment(inputs.words).get_template("report.html.jinja")
    with fmt.locale(inputs.language):
        return template.render(
            **make_context(inputs),
            study_data=Markup(embed(lasting)),  # nosec B704 # embed escapes
            run_data=Markup(embed(run)),  # nosec B704 # the same
            style=joined(*STYLE),
            script=joined(*SCRIPT),
        )
