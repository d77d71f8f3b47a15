"""docs/billing.md says of every field of a policy what the model says."""

import json
from pathlib import Path

from billing.policy import BillingPolicy

PAGE = Path(__file__).resolve().parents[3] / "docs" / "billing.md"


def test_the_table_of_policies_is_the_model() -> None:
    defaults = BillingPolicy().model_dump(mode="json")
    rows = [
        f"| `{name}` | `{json.dumps(defaults[name])}` | {field.description} |"
        for name, field in BillingPolicy.model_fields.items()
    ]
    page = PAGE.read_text(encoding="utf-8")
    table = page.partition("### Policy\n")[2].partition("\n## ")[0]
    assert [line for line in table.splitlines() if line.startswith("| `")] == rows
