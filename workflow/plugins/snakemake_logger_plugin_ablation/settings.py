"""Settings of the command line. Snakemake reads the types themselves, so they must not be put off."""

from dataclasses import dataclass, field

from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase


@dataclass
class LogHandlerSettings(LogHandlerSettingsBase):
    """``--logger-ablation-…``."""

    every: int = field(
        default=30,
        metadata={
            "help": "Not on a terminal: seconds between two lines about a configuration, at least.",
            "env_var": False,
            "required": False,
        },
    )
