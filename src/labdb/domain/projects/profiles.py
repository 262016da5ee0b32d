"""What each kind of research adds to a project; the file beside this one says it."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated

import yaml
from pydantic import Field

from labdb.spec import IDENTIFIER, Declared, Project, ProjectLimits

FILE = "profiles.yaml"


class Profile(Declared):
    """Schemas, extensions and limits that a kind of research comes with."""

    about: str = Field(default="", description="What the research is about, in one sentence.")
    schemas: tuple[Annotated[str, Field(pattern=IDENTIFIER)], ...] = Field(
        default=(), description="Schemas beside those of the template database."
    )
    extensions: tuple[str, ...] = Field(
        default=(), description="Extensions beside those of the template database."
    )
    limits: ProjectLimits = ProjectLimits()


@cache
def profiles() -> Mapping[str, Profile]:
    """Return every profile by its name."""
    text = (files("labdb.domain.projects") / FILE).read_text(encoding="utf-8")
    return {name: Profile.model_validate(item) for name, item in yaml.safe_load(text).items()}


def profile_of(project: Project) -> Profile:
    """Return the profile of *project*; one that adds nothing where none is declared."""
    return profiles()[project.profile] if project.profile else Profile()
