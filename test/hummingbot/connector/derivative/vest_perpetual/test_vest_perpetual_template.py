"""conf/conf_global_TEMPLATE.yml is about the keys that the client asks for."""
from pathlib import Path
from test.hummingbot.connector.derivative.vest_perpetual.test_vest_perpetual_utils import (
    CONFIG_MAPS,
    connect_keys,
    every_domain,
)

import yaml

TEMPLATE = Path(__file__).parents[5] / "conf" / "conf_global_TEMPLATE.yml"


def test_the_template_documents_exactly_the_keys_of_the_config_maps():
    text = TEMPLATE.read_text()

    assert set(yaml.safe_load(text)) == {name for domain in CONFIG_MAPS for name in connect_keys(domain)}
    assert "NEVER your wallet" in text


@every_domain
def test_the_templates_values_can_be_entered(domain):
    template = yaml.safe_load(TEMPLATE.read_text())

    config = CONFIG_MAPS[domain](**{name: template[name] or "" for name in connect_keys(domain)})

    assert getattr(config, f"{domain}_account_group") == 0
