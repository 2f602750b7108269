"""Options of the command line made from the fields of a config model, and back."""

import argparse
import json
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from nri_core.errors import ConfigError

Config = TypeVar("Config", bound=BaseModel)


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option that every verb has."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def add_fields(parser: argparse.ArgumentParser, model: type[BaseModel]) -> None:
    """An option for each field; what is not given is left to the model."""
    for name, field in model.model_fields.items():
        many = "..." in str(field.annotation)
        text = _help(field).replace("%", "%%")
        parser.add_argument(_option(name), nargs="+" if many else None, default=argparse.SUPPRESS, metavar="VALUE", help=text)


def describe(model: type[BaseModel]) -> str:
    """A line for each field."""
    return "\n".join(f"  {name:<18} {_help(field)}" for name, field in model.model_fields.items())


def chosen(options: argparse.Namespace, model: type[Config]) -> Config:
    """The model, from the options that were given. Raises pydantic's ValidationError."""
    return model.model_validate({name: value for name, value in vars(options).items() if name in model.model_fields})


def assign(config: Config, settings: list[str]) -> Config:
    """`config` with each "key=value" of `settings` set. Raises ConfigError for an unknown key, ValidationError for a value out of range."""
    values = config.model_dump()
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or key not in values:
            raise ConfigError(f"Expected --set KEY=VALUE with a KEY of {', '.join(values)}; found {setting!r}.")
        values[key] = _parsed(value, type(config).model_fields[key].annotation)
    return type(config).model_validate(values)


def _parsed(text: str, annotation: Any) -> Any:
    """What pydantic does not make of a text by itself: none, and several values with commas between them."""
    if type(None) in get_args(annotation) and text.lower() == "none":
        return None
    return listed(text) if get_origin(annotation) is tuple else text


def listed(text: str) -> list[str]:
    """Several values: with commas between them, or as JSON where a value holds a comma itself."""
    try:
        found = json.loads(text) if text.startswith("[") else None
    except json.JSONDecodeError:
        found = None
    return found if isinstance(found, list) else [part for part in text.split(",") if part]


def explain(error: ValidationError) -> str:
    """What is wrong with each setting, in one line."""
    return "; ".join(_explain(fault["loc"], fault["msg"], fault["input"]) for fault in error.errors())


def _explain(where: tuple[int | str, ...], message: str, found: Any) -> str:
    message = message.removeprefix("Value error, ").replace("Input should be", "expected")
    if not where:
        return f"The settings do not fit together: {message}."
    return f"{_option(str(where[0]))}: {message}; found {found}."


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _help(field: FieldInfo) -> str:
    default = " ".join(map(str, field.default)) if isinstance(field.default, tuple) else field.default
    choices = f"{', '.join(get_args(field.annotation))}; " if get_origin(field.annotation) is Literal else ""
    if field.annotation is bool:
        choices, default = "true, false; ", str(default).lower()
    return f"{field.description} ({choices}default: {default})"
