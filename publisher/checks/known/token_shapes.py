"""The shapes of tokens and keys, as their issuers made them.

Checked against the shapes that gitleaks' default rules and the plugins of detect-secrets 1.5 know. Every shape begins
with letters that its issuer chose: finding those is one fast pass over a text, and a text without them is done.
"""

from __future__ import annotations

from typing import NamedTuple


class Shape(NamedTuple):
    """One shape: what it is, the letters that it begins with, and a pattern for what follows them.

    Attributes:
        sure: nothing else looks like it; else it must also be as disorderly as a key is.
        whole: all of it is the secret; else the pattern's one group is, and what stands before it only leads there.
    """

    what: str
    prefix: str
    rest: str
    sure: bool = True
    whole: bool = True


_END = r"(?![A-Za-z0-9_-])"
_ASSIGNED = r"[\w.-]{0,20}\\?[\"']?[\])]?\s{0,3}(?::|=>|=|,)\s{0,3}\\?[\"']"  # `_KEY"] = "`
_VALUE = rf"{_ASSIGNED}([A-Za-z0-9_+/.=~-]{{16,200}})\\?[\"']"
_BREAK = r"(?:\\+[nr]|\s){1,4}"  # as it is, or as JSON writes it
_HEADERS = rf"(?:[A-Z][\w-]{{2,20}}: [^\n\\]{{1,80}}{_BREAK}){{0,4}}"

_ISSUED = (
    ("a Hugging Face token", "hf_", rf"[A-Za-z0-9]{{34}}{_END}"),
    ("a Hugging Face organisation token", "api_org_", rf"[A-Za-z0-9]{{34}}{_END}"),
    ("an OpenAI key", "sk-", r"[A-Za-z0-9_-]{20,100}T3BlbkFJ[A-Za-z0-9_-]{20,100}"),
    ("an OpenAI key", "sk-", rf"[A-Za-z0-9]{{48}}{_END}"),
    ("an Anthropic key", "sk-ant-", r"[a-z0-9]{3,10}-[A-Za-z0-9_-]{80,120}"),
    ("an OpenRouter key", "sk-or-v1-", rf"[0-9a-f]{{64}}{_END}"),
    ("a Perplexity key", "pplx-", rf"[A-Za-z0-9]{{48}}{_END}"),
    ("a GitHub token", "gh", rf"[pousr]_[A-Za-z0-9]{{36}}{_END}"),
    ("a GitHub token", "github_pat_", r"[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    ("a GitLab token", "glpat-", r"[A-Za-z0-9_-]{20,300}"),
    ("a GitLab token", "gldt-", rf"[A-Za-z0-9_-]{{20}}{_END}"),
    ("a GitLab token", "glrt-", rf"[A-Za-z0-9_-]{{20}}{_END}"),
    ("a GitLab token", "glptt-", rf"[0-9a-f]{{40}}{_END}"),
    ("an npm token", "npm_", rf"[A-Za-z0-9]{{36}}{_END}"),
    ("a PyPI token", "pypi-AgE", r"[A-Za-z0-9_-]{80,1000}"),
    ("a RubyGems key", "rubygems_", rf"[0-9a-f]{{48}}{_END}"),
    ("an AWS key id", "AKIA", r"[A-Z2-7]{16}(?![A-Za-z0-9])"),
    ("an AWS key id", "ASIA", r"[A-Z2-7]{16}(?![A-Za-z0-9])"),
    ("an Amazon Bedrock key", "ABSK", r"[A-Za-z0-9+/]{109,269}={0,2}(?![A-Za-z0-9+/=])"),
    ("a Google API key", "AIza", rf"[A-Za-z0-9_-]{{35}}{_END}"),
    ("an Alibaba Cloud key id", "LTAI", rf"[A-Za-z0-9]{{20}}{_END}"),
    ("a DigitalOcean token", "dop_v1_", rf"[0-9a-f]{{64}}{_END}"),
    ("a DigitalOcean token", "doo_v1_", rf"[0-9a-f]{{64}}{_END}"),
    ("a Databricks token", "dapi", rf"[0-9a-f]{{32}}(?:-\d)?{_END}"),
    ("a Slack token", "xox", r"[abeoprs]-[0-9]{8,20}-[A-Za-z0-9-]{10,150}"),
    ("a Slack token", "xapp-", r"\d-[A-Z0-9]{8,20}-\d{8,20}-[a-z0-9]{20,100}"),
    ("a Stripe key", "sk_live_", r"[A-Za-z0-9]{24,99}"),
    ("a Stripe key", "rk_live_", r"[A-Za-z0-9]{24,99}"),
    ("a SendGrid key", "SG.", rf"[A-Za-z0-9_-]{{22}}\.[A-Za-z0-9_-]{{43}}{_END}"),
    ("a Twilio key", "SK", rf"[0-9a-f]{{32}}{_END}"),
    ("a Square token", "sq0", rf"(?:atp-[A-Za-z0-9_-]{{22}}|csp-[A-Za-z0-9_-]{{43}}){_END}"),
    ("a Shopify token", "shp", rf"(?:at|ca|pa|ss)_[0-9a-fA-F]{{32}}{_END}"),
    ("a Grafana token", "glsa_", rf"[A-Za-z0-9]{{32}}_[0-9a-fA-F]{{8}}{_END}"),
    ("a Sentry token", "sntryu_", rf"[0-9a-f]{{64}}{_END}"),
    ("a Notion token", "ntn_", rf"[0-9]{{11}}[A-Za-z0-9]{{35}}{_END}"),
    ("a Linear key", "lin_api_", rf"[A-Za-z0-9]{{40}}{_END}"),
    ("a Postman key", "PMAK-", rf"[0-9a-f]{{24}}-[0-9a-f]{{34}}{_END}"),
    ("a Pulumi token", "pul-", rf"[0-9a-f]{{40}}{_END}"),
    ("a Doppler token", "dp.pt.", rf"[A-Za-z0-9]{{43}}{_END}"),
    ("a Dynatrace token", "dt0c01.", rf"[A-Z0-9]{{24}}\.[A-Z0-9]{{64}}{_END}"),
    ("a Vault token", "hvs.", r"[A-Za-z0-9_-]{90,120}"),
    ("a Heroku key", "HRKU-AA", rf"[A-Za-z0-9_-]{{58}}{_END}"),
    ("an Artifactory key", "AKCp", rf"[A-Za-z0-9]{{69}}{_END}"),
    ("an age key", "AGE-SECRET-KEY-1", r"[A-Z0-9]{58}"),
    # The header alone is what a manual prints: the key's own lines must follow.
    (
        "a private key",
        "-----BEGIN ",
        rf"(?:RSA |EC |DSA |OPENSSH |PGP |ENCRYPTED )?PRIVATE KEY(?: BLOCK)?-----{_BREAK}{_HEADERS}[A-Za-z0-9+/=\\\s]{{40,}}",
    ),
)  # fmt: skip

# Keys without a shape of their own, where a name tells what they are.
_LED_TO = (
    ("an Azure storage key", "AccountKey=", r"([A-Za-z0-9+/]{86}==)"),
    ("a Slack webhook", "hooks.slack.com/services/", r"T[A-Za-z0-9_]{6,20}/B[A-Za-z0-9_]{6,20}/([A-Za-z0-9_]{20,40})"),
    ("an AWS secret key", "aws_secret_access_key", r"\\?[\"']?\s{0,3}[=:]\s{0,3}\\?[\"']?([A-Za-z0-9+/]{40})(?![A-Za-z0-9+/=])"),
    ("an AWS secret key", "AWS_SECRET_ACCESS_KEY", r"\\?[\"']?\]?\s{0,3}[=:,]\s{0,3}\\?[\"']?([A-Za-z0-9+/]{40})(?![A-Za-z0-9+/=])"),
    ("a W&B key", "WANDB_API_KEY", r"\\?[\"']?\]?\s{0,3}[=:,]?\s{0,3}\\?[\"']?([0-9a-f]{40})(?![0-9a-f])"),
    ("a W&B key", "wandb login ", r"(?:--relogin )?([0-9a-f]{40})(?![0-9a-f])"),
    ("a W&B key", "wandb.login(", r"(?:key ?= ?)?\\?[\"']([0-9a-f]{40})(?![0-9a-f])"),
)  # fmt: skip

_GUESSED = (
    ("a signed token (JWT)", "eyJ", r"(?<![A-Za-z0-9_-]eyJ)[A-Za-z0-9_-]{17,500}\.eyJ[A-Za-z0-9_-]{17,2000}\.([A-Za-z0-9_-]{20,1000})"),
    ("a password in a web address", "://", r"[\w.+-]{1,64}:([^\s:/@\"'`<>{}()\[\]$,\\]{8,100})@[A-Za-z0-9-]+\.[A-Za-z0-9]"),
    *(
        (what, name, _VALUE)
        for what, names in (
            ("an API key", ("api_key", "API_KEY", "apiKey", "api-key", "apikey", "ApiKey")),
            ("a token", ("access_token", "ACCESS_TOKEN", "auth_token", "AUTH_TOKEN", "hub_token", "accessToken")),
            ("a secret key", ("secret_key", "SECRET_KEY", "secretKey", "client_secret", "CLIENT_SECRET")),
            ("a password", ("password", "PASSWORD", "passwd")),
        )
        for name in names
    ),
)  # fmt: skip

SHAPES = (
    *(Shape(what, prefix, rest) for what, prefix, rest in _ISSUED),
    *(Shape(what, prefix, rest, whole=False) for what, prefix, rest in _LED_TO),
    *(Shape(what, prefix, rest, sure=False, whole=False) for what, prefix, rest in _GUESSED),
)
