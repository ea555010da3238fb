"""Settings of a study: typed sections, and what each stage reads of them. The single source of the JSON schema."""

from ptychostudy.settings.study import Study, json_schema, parse_study, read_study, stage_settings
from ptychostudy.settings.yaml_file import ConfigError, read_yaml

__all__ = ["ConfigError", "Study", "json_schema", "parse_study", "read_study", "read_yaml", "stage_settings"]
