"""The Flex Template's metadata, as a launch is checked by."""

from __future__ import annotations

import json
from typing import Any

from tests.deploy.scripts import DEPLOY

METADATA: dict[str, Any] = json.loads((DEPLOY / "flex_template" / "metadata.json").read_text("utf-8"))
PARAMETERS: dict[str, dict[str, Any]] = {one["name"]: one for one in METADATA["parameters"]}
NEEDED = {name for name, parameter in PARAMETERS.items() if not parameter.get("isOptional")}
