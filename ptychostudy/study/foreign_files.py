"""Where files of other programs may lie: not where a study keeps what it adopted of them."""

from typing import TYPE_CHECKING

from ptychostudy.study import layout
from ptychostudy.study.yaml_file import ConfigError

if TYPE_CHECKING:
    from ptychostudy.study.settings import Study


def check_places(study: "Study") -> None:
    """Refuse files of other programs in the folder of their products.

    Raises
    ------
    ConfigError
    """
    for name, pattern in study.arms.extra.items():
        if pattern.startswith(f"{layout.FOREIGN_FOLDER}/"):
            raise ConfigError(
                f"config key 'arms.extra.{name}': found {pattern!r}; needed: a path that does not "
                f"lie in {layout.FOREIGN_FOLDER}, where a study has what it adopted"
            )
