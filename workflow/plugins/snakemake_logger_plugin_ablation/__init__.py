"""A logger plugin for Snakemake that follows the cells of a study while they train: ``snakemake --logger ablation``.

Snakemake finds it by its name where ``workflow`` and ``workflow/plugins`` are on PYTHONPATH.
"""

from .handler import LogHandler
from .settings import LogHandlerSettings

__all__ = ["LogHandler", "LogHandlerSettings"]
