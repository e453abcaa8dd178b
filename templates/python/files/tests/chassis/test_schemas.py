"""Validation: one reason for each field, in the order of the schema, never the value."""

from typing import Any

import pytest

from tests.fixtures.checks import reasons
from tests.fixtures.declared import EchoInput


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, "text is required"),
        ({"text": None}, "text must be a string"),
        ({"text": 3}, "text must be a string"),
        ({"text": ""}, "text must have at least 1 characters"),
        ({"text": "x" * 1001}, "text must have at most 1000 characters"),
        ({"text": " \u2003"}, "text must not be blank"),
        ({"text": "\ud800"}, "text must be well-formed Unicode"),
        ({"text": "x", "options": None}, "options must be an object"),
        ({"text": "x", "options": []}, "options must be an object"),
        ({"text": "x", "options": {"loud": "yes"}}, "options.loud must be a boolean"),
        ({"text": "x", "options": {"quiet": True}}, "options.quiet is not allowed"),
        ({"text": "x", "b": 1, "a": 1}, "a is not allowed; b is not allowed"),
        ({"text": "x", "__proto__": {}}, "__proto__ is not allowed"),
        (
            {"z": 1, "options": {"loud": 1}},
            "text is required; options.loud must be a boolean; z is not allowed",
        ),
        ({"text": "x", "k" * 99: 1}, f"{'k' * 64} is not allowed"),
        ({"text": "x", "times": "3"}, "times must be an integer"),
        ({"text": "x", "times": True}, "times must be an integer"),
        ({"text": "x", "times": 1.5}, "times must be an integer"),
        ({"text": "x", "times": 0}, "times must be at least 1"),
        ({"text": "x", "times": 4}, "times must be at most 3"),
        ({"text": "x", "code": "a\n"}, "code must match ^[a-z]{1,3}$"),
    ],
)
def test_bad_arguments_are_explained(arguments: dict[str, Any], expected: str) -> None:
    assert reasons(EchoInput, arguments) == expected
