"""Settings of a study: typed sections, and what each stage reads of them. The single source of the JSON schema."""

from ptychostudy.settings.study import ConfigError, Study, json_schema, parse_study, read_study, stage_settings

__all__ = ["ConfigError", "Study", "json_schema", "parse_study", "read_study", "stage_settings"]
