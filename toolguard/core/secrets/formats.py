"""The table of secret formats: who issues them and what they look like. core/secrets/spans.py searches with it.

A row tells the literal beginning (the anchor) apart from what follows it, because one expression over all the anchors
is the gate that every text passes: it must stay small and free of long contexts. A row's own expression is compiled
the first time its anchor is seen. To add a format: one row; tests/core/test_secret_formats.py makes examples from it.

Facts come from the issuers' documentation of their formats. Where an issuer promises a length it is the row's; where it
only promises a beginning, the row is generous.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from toolguard.core.regex import quote

HEX: Final = "0-9a-f"
HEXES: Final = "0-9a-fA-F"
LOWER: Final = "0-9a-z"
UPPER: Final = "0-9A-Z"
ALNUM: Final = "0-9A-Za-z"
URL: Final = "-0-9A-Za-z_"
WORD: Final = "0-9A-Za-z_"
BASE64: Final = "0-9A-Za-z+/"
DOTTED: Final = "-0-9A-Za-z_.="
SHORT_ANCHOR: Final = 6
"""Characters; shorter anchors stand in ordinary words."""

LEAD: Final = 4
"""Characters of the body that the gate asks for behind a short anchor; with 8 its states outgrow RE2's cache."""

UUID: Final = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"


@dataclass(frozen=True, slots=True)
class SecretFormat:
    """One kind of secret."""

    id: str
    """Names the rule in markers."""
    issuer: str
    anchors: tuple[str, ...]
    """Literals of which one stands in every such secret; at its start unless `before` is set."""
    alphabet: str
    """Characters of the body, as a bracket expression without brackets; the secret ends where they end."""
    length: tuple[int, int] = (1, 1)
    """Fewest and most characters after the anchor."""
    shape: str = ""
    """Expression of what follows the anchor where alphabet and length do not say it; {n,m} counts stay below 1000."""
    before: str = ""
    """Expression of what stands before the anchor, for secrets with their mark inside."""
    entropy: float = 2.5
    """Bits a character that what is not the anchor must reach (Shannon); 0 where the shape alone convicts."""
    kinds: int = 2
    """How many of digits, capitals and small letters must stand in it, so that it is no word or number."""
    noun: str = "token"
    lead: str = ""
    """Expression of the first characters after a short anchor, where the gate needs more than the anchor."""
    window: int = 1024
    """Bytes from the anchor within which the secret ends."""

    @property
    def body(self) -> str:
        """What follows the anchor, as an expression."""
        low, high = self.length
        return self.shape or f"[{self.alphabet}]{{{low},{high}}}"

    @property
    def gate(self) -> str:
        """What the gate looks for: an anchor, and behind a short one the first characters of the body."""
        anchors = "|".join(quote(anchor) for anchor in self.anchors)
        shortest = min(map(len, self.anchors))
        lead = self.lead
        if not lead and not self.shape and not self.before and shortest < SHORT_ANCHOR:
            lead = f"[{self.alphabet}]{{{min(LEAD, self.length[0])}}}"
        return f"(?:{anchors}){lead}"

    @property
    def sentence(self) -> str:
        """For the reviewer."""
        article = "an" if self.issuer[:1].upper() in "AEIO" else "a"
        return f"{article} {self.issuer} {self.noun}"


def _row(
    id: str,
    issuer: str,
    anchors: str,
    alphabet: str,
    length: int | tuple[int, int] = 1,
    **rest: str | float,
) -> SecretFormat:
    """A row; several anchors are separated by spaces, one number is an exact length."""
    span = (length, length) if isinstance(length, int) else length
    return SecretFormat(id, issuer, tuple(anchors.split()), alphabet, span, **rest)  # type: ignore[arg-type]  # named


CLOUD: Final = (
    _row("aws-access-key", "AWS", "AKIA ASIA ABIA ACCA", UPPER, 16, kinds=1, noun="access key id"),
    _row("aws-bedrock-key", "AWS Bedrock", "ABSK", BASE64 + "=", (100, 300), noun="API key"),
    _row("aws-bedrock-session-key", "AWS Bedrock", "bedrock-api-key-", BASE64 + "=", (60, 900), noun="API key"),
    _row("google-api-key", "Google", "AIza", URL, 35, noun="API key"),
    _row("google-client-secret", "Google", "GOCSPX-", URL, (24, 40), noun="OAuth client secret"),
    _row("google-access-token", "Google", "ya29.", URL + ".", (30, 900), noun="OAuth access token"),
    _row("google-refresh-token", "Google", "1//0", URL, (40, 256), noun="OAuth refresh token"),
    _row("azure-client-secret", "Microsoft Entra", "7Q~ 8Q~ 9Q~", "0-9A-Za-z_.~-", (31, 34),
         before="[0-9A-Za-z_.~-]{3}", noun="client secret"),
    _row("azure-annotated-key", "Azure", "JQQJ99", BASE64, (24, 40), before="[0-9A-Za-z]{52}", noun="service key"),
    _row("azure-functions-key", "Azure Functions", "AzFu", BASE64 + "_-", before="[0-9A-Za-z_-]{44}",
         shape="[0-9A-Za-z_-]{6}==", noun="key"),
    _row("azure-service-key", "Azure", "AzSe +ACR", ALNUM, before="[0-9A-Za-z+/]{42}", shape="[0-9A-Za-z]{6}",
         noun="service key"),
    _row("azure-messaging-key", "Azure", "AzCa +AEh AIoT", BASE64, before="[0-9A-Za-z+/]{33}",
         shape="[0-9A-Za-z+/]{6}=", noun="service key"),
    _row("azure-storage-key", "Azure", "+ASt ACDb +ABa", BASE64, before="[0-9A-Za-z+/]{76}",
         shape="[0-9A-Za-z+/]{6}==", noun="account key"),
    _row("digitalocean-token", "DigitalOcean", "dop_v1_ doo_v1_ dor_v1_", HEX, 64),
    _row("alibaba-access-key", "Alibaba Cloud", "LTAI", ALNUM, (12, 24), kinds=3, noun="access key id"),
    _row("tencent-secret-id", "Tencent Cloud", "AKID", ALNUM, 32, noun="secret id"),
    _row("yandex-api-key", "Yandex Cloud", "AQVN", URL, (35, 38), noun="API key"),
    _row("yandex-iam-token", "Yandex Cloud", "t1.", URL, lead="[A-Z0-9a-z_-]{4}",
         shape="[A-Z0-9a-z_-]{8,}={0,2}\\.[A-Z0-9a-z_-]{86}={0,2}"),
    _row("scaleway-access-key", "Scaleway", "SCW", UPPER, 17, noun="access key"),
    _row("cloudflare-origin-key", "Cloudflare", "v1.0-", HEX, shape="[0-9a-f]{24}-[0-9a-f]{146}",
         noun="origin CA key"),
    _row("cloudflare-token", "Cloudflare", "cfut_ cfat_ cfk_", ALNUM, (40, 80)),
    _row("cloudflare-tunnel-token", "Cloudflare", "eyJhIjoi", BASE64 + "=", (100, 400), noun="tunnel token"),
    _row("fly-token", "Fly.io", "fm1r_ fm1a_ fm2_", BASE64 + "=_", noun="access token",
         shape="[0-9A-Za-z+/=_]{60,}(?:,fm[12][a-z]?_[0-9A-Za-z+/=_]{60,})*"),
    _row("fly-token-v1", "Fly.io", "fo1_", URL, 43, noun="access token"),
    _row("heroku-key", "Heroku", "HRKU-", URL, (36, 80), noun="API key"),
    _row("vercel-token", "Vercel", "vcp_ vci_ vca_ vcr_ vck_", ALNUM, (24, 80)),
    _row("netlify-token", "Netlify", "nfp_ nfc_ nfo_ nfu_ nfb_", ALNUM, (36, 60)),
    _row("render-key", "Render", "rnd_", ALNUM, (24, 40), noun="API key"),
    _row("scalingo-token", "Scalingo", "tk-us-", URL, 48),
    _row("tailscale-key", "Tailscale", "tskey-", ALNUM, noun="key",
         shape="[a-z]{3,14}-[0-9A-Za-z_]+-[0-9A-Za-z_]{16,}"),
    _row("akamai-credential", "Akamai", "akab-", LOWER, shape="[0-9a-z]{16}-[0-9a-z]{16}",
         noun="EdgeGrid credential"),
)  # fmt: skip

DATABASES: Final = (
    _row("supabase-token", "Supabase", "sbp_", HEX, (40, 50), noun="access token"),
    _row("supabase-secret-key", "Supabase", "sb_secret_", URL, (24, 60), noun="secret key"),
    _row("neon-key", "Neon", "napi_", LOWER, (48, 80), noun="API key"),
    _row("planetscale-secret", "PlanetScale", "pscale_tkn_ pscale_oauth_ pscale_pw_", DOTTED, (32, 64),
         noun="secret"),
    _row("mongodb-atlas-secret", "MongoDB Atlas", "mdb_sa_sk_", URL, (32, 60), noun="service account secret"),
    _row("databricks-token", "Databricks", "dapi dkea dose", HEX, lead="[0-9a-f]{4}",
         shape="[0-9a-f]{32}(?:-[0-9])?", noun="access token"),
    _row("posthog-key", "PostHog", "phx_", ALNUM, (40, 50), noun="personal API key"),
    _row("airtable-token", "Airtable", "pat", ALNUM, lead="[0-9A-Za-z]{4}",
         shape="[0-9A-Za-z]{14}\\.[0-9a-f]{64}", noun="access token"),
    _row("dbt-token", "dbt Cloud", "dbtu_ dbtc_", URL, (36, 60)),
    _row("snowflake-token", "Snowflake", "ver:1-hint:", BASE64 + "=-", (60, 600), noun="session token"),
)  # fmt: skip

CODE_HOSTS: Final = (
    _row("github-token", "GitHub", "ghp_ gho_ ghu_ ghs_ ghr_", ALNUM, (36, 251)),
    _row("github-fine-grained-token", "GitHub", "github_pat_", WORD, (60, 244), noun="fine-grained token"),
    _row("gitlab-token", "GitLab", "glpat- gldt- glft- glrt-", URL, 20),
    _row("gitlab-long-token", "GitLab", "glpat- glrt- gldt-", URL,
         shape="[0-9A-Za-z_-]{24,300}\\.[0-9a-z]{2,3}[0-9a-z]{7}"),
    _row("gitlab-runner-token", "GitLab", "glrt-", URL, shape="t[0-9]_[0-9A-Za-z_-]{20,40}", noun="runner token"),
    _row("gitlab-trigger-token", "GitLab", "glptt-", URL, 40, noun="pipeline trigger token"),
    _row("gitlab-registration-token", "GitLab", "GR1348941", URL, (20, 50), noun="runner registration token"),
    _row("gitlab-agent-token", "GitLab", "glagent-", URL, (50, 1000), noun="agent token"),
    _row("gitlab-application-secret", "GitLab", "gloas-", URL, 64, noun="OAuth application secret"),
    _row("gitlab-scim-token", "GitLab", "glsoat-", URL, (20, 50), noun="SCIM token"),
    _row("gitlab-mail-token", "GitLab", "glimt-", URL, 25, noun="incoming mail token"),
    _row("gitlab-ci-token", "GitLab", "glcbt-", URL, (20, 64), noun="CI build token"),
    _row("gitlab-feature-token", "GitLab", "glffct- glwt-", URL, (20, 64), noun="client token"),
    _row("gitlab-session", "GitLab", "_gitlab_session=", HEX, 32, noun="session cookie"),
    _row("bitbucket-password", "Bitbucket", "ATBB", ALNUM, (32, 36), noun="app password"),
    _row("atlassian-token", "Atlassian", "ATATT3 ATCTT3", DOTTED, (120, 300), noun="API token"),
    _row("sourcegraph-token", "Sourcegraph", "sgp_", ALNUM,
         shape="(?:(?:[0-9a-fA-F]{16}_|local_)?[0-9a-fA-F]{40}|[0-9A-Za-z]{64})"),
    _row("sourcegraph-cody-token", "Sourcegraph", "slk_", HEX, 64),
    _row("linear-key", "Linear", "lin_api_ lin_oauth_", ALNUM, (40, 64), noun="API key"),
    _row("notion-token", "Notion", "ntn_", ALNUM, shape="[0-9]{11}[0-9A-Za-z]{35}"),
    _row("notion-secret", "Notion", "secret_", ALNUM, 43, noun="integration secret", entropy=3.5),
    _row("figma-token", "Figma", "figd_ figo_ figu_ figoh_", URL, (38, 80), noun="access token"),
    _row("intra42-secret", "42 Intra", "s-s4t2ud- s-s4t2af-", HEX, 64, noun="client secret"),
    _row("postman-key", "Postman", "PMAK-", HEX, shape="[0-9a-f]{24}-[0-9a-f]{34}", noun="API key"),
    _row("contentful-token", "Contentful", "CFPAT-", URL, 43, noun="personal access token"),
    _row("clickup-token", "ClickUp", "pk_", UPPER, lead="[0-9]{4}", shape="[0-9]{4,12}_[0-9A-Z]{32}"),
    _row("typeform-token", "Typeform", "tfp_", DOTTED, (40, 70)),
    _row("readme-key", "ReadMe", "rdme_", LOWER, 70, noun="API key"),
    _row("frameio-token", "Frame.io", "fio-u-", URL, 64),
    _row("jetbrains-token", "JetBrains", "perm:", DOTTED + "+/",
         shape="[0-9A-Za-z=_-]+\\.[0-9A-Za-z=_-]+\\.[0-9A-Za-z=_+/-]{24,}",
         noun="permanent token"),
)  # fmt: skip

PAYMENT: Final = (
    _row("stripe-key", "Stripe", "sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_", ALNUM, (10, 250),
         noun="secret key"),
    _row("webhook-secret", "Standard Webhooks", "whsec_", BASE64 + "=", (24, 90), noun="signing secret"),
    _row("square-token", "Square", "sq0atp-", URL, 22, noun="access token"),
    _row("square-secret", "Square", "sq0csp-", URL, 43, noun="OAuth secret"),
    _row("square-access-token", "Square", "EAAA", URL, (60, 60), noun="access token"),
    _row("paypal-braintree-token", "PayPal Braintree", "access_token$", LOWER + "$",
         shape="(?:production|sandbox)\\$[0-9a-z]{16}\\$[0-9a-f]{32}", noun="access token"),
    _row("razorpay-key", "Razorpay", "rzp_live_ rzp_test_", ALNUM, (14, 24), noun="key"),
    _row("plaid-token", "Plaid", "access-production- access-development- access-sandbox-", HEX + "-", shape=UUID,
         noun="access token"),
    _row("flutterwave-key", "Flutterwave", "FLWSECK-", ALNUM, shape="[0-9A-Za-z]{12,40}-X", noun="secret key"),
    _row("flutterwave-test-key", "Flutterwave", "FLWSECK_TEST-", ALNUM, shape="[0-9A-Za-z]{12,40}(?:-X)?",
         noun="secret key"),
    _row("mollie-key", "Mollie", "live_", ALNUM, 30, noun="API key", entropy=3.6),
    _row("shopify-token", "Shopify", "shpat_ shpca_ shppa_ shpss_ shptka_", HEXES, 32, noun="access token"),
    _row("easypost-key", "EasyPost", "EZAK EZTK", ALNUM, 54, noun="API key"),
    _row("shippo-token", "Shippo", "shippo_live_ shippo_test_", HEX, 40),
    _row("duffel-token", "Duffel", "duffel_live_ duffel_test_", URL, (40, 50)),
    _row("xendit-key", "Xendit", "xnd_development_ xnd_production_", ALNUM, (40, 80), noun="secret key"),
    _row("woocommerce-secret", "WooCommerce", "cs_ ck_", HEX, 40, noun="consumer key"),
    _row("bip32-private-key", "Ethereum", "xprv", ALNUM, 107, noun="extended private key"),
)  # fmt: skip

CHAT: Final = (
    _row("slack-token", "Slack", "xoxb- xoxp- xoxa- xoxs- xoxr- xoxo- xoxc-", URL,
         shape="(?:2-)?(?:[0-9]{6,14}-){1,3}[0-9A-Za-z]{10,128}"),
    _row("slack-cookie", "Slack", "xoxd-", URL + "%", (60, 400), noun="session cookie"),
    _row("slack-rotating-token", "Slack", "xoxe-", URL, shape="(?:1-)?[0-9A-Za-z-]{40,300}"),
    _row("slack-rotated-token", "Slack", "xoxe.xoxb- xoxe.xoxp-", URL, shape="[0-9]-[0-9A-Za-z-]{100,300}"),
    _row("slack-app-token", "Slack", "xapp-", ALNUM, shape="[0-9]-[0-9A-Z]{8,14}-[0-9]{10,14}-[0-9a-f]{32,64}",
         noun="app token"),
    _row("slack-webhook", "Slack", "hooks.slack.com/", BASE64 + "_-", noun="webhook address",
         shape="(?:services|workflows|triggers)/[0-9A-Za-z+/_-]{30,120}", entropy=0),
    _row("discord-webhook", "Discord", "discord.com/api/webhooks/ discordapp.com/api/webhooks/", URL,
         shape="[0-9]{15,22}/[0-9A-Za-z_-]{50,90}", noun="webhook address"),
    _row("teams-webhook", "Microsoft Teams", ".webhook.office.com/webhookb2/", URL, noun="webhook address",
         shape="[0-9A-Za-z@/_-]{60,300}"),
    _row("google-chat-webhook", "Google Chat", "chat.googleapis.com/v1/spaces/", DOTTED + "&%",
         noun="webhook address",
         shape="[0-9A-Za-z_-]+/messages\\?key=[0-9A-Za-z_-]+&token=[0-9A-Za-z_%=-]{20,120}"),
    _row("telegram-token", "Telegram", ":AA", URL, 33, lead="[0-9A-Za-z_-]{4}", before="[0-9]{8,10}", noun="bot token"),
    _row("sendgrid-key", "SendGrid", "SG.", DOTTED, lead="[0-9A-Za-z_-]{4}", noun="API key",
         shape="[0-9A-Za-z_-]{16,32}\\.[0-9A-Za-z_-]{32,64}"),
    _row("mailgun-key", "Mailgun", "key-", HEX, 32, noun="API key"),
    _row("mandrill-key", "Mandrill", "md-", URL, 22, noun="API key", entropy=3.6),
    _row("brevo-key", "Brevo", "xkeysib- xsmtpsib-", ALNUM, shape="[0-9a-f]{64}-[0-9A-Za-z]{16}", noun="API key"),
    _row("resend-key", "Resend", "re_", ALNUM, lead="[0-9A-Za-z]{4}",
         shape="[0-9A-Za-z]{8}_[0-9A-Za-z]{20,30}", noun="API key"),
    _row("facebook-token", "Facebook",
         "EAAM EAAC EAAG EAAD EAAB EAAJ EAAH EAAF EAAE EAAL EAAI EAAK EAAN EAAO EAAP EAAW",
         ALNUM, (80, 400), noun="access token"),
    _row("facebook-app-token", "Facebook", "|", URL, (25, 28), lead="[0-9A-Za-z_-]{4}",
         before="[0-9]{13,17}", noun="app access token"),
    _row("instagram-token", "Instagram", "IGQV IGAA", URL, (80, 300), noun="access token"),
    _row("twitter-token", "X", "AAAAAAAAAAAAAAAAAAAAA", ALNUM + "%", (60, 120), noun="bearer token"),
    _row("hubspot-token", "HubSpot", "pat-na1- pat-na2- pat-eu1- pat-ap1-", HEX + "-", shape=UUID,
         noun="access token"),
    _row("salesforce-token", "Salesforce", "00D", DOTTED, lead="[0-9A-Za-z]{4}",
         shape="[0-9A-Za-z]{12,15}![0-9A-Za-z_.]{80,140}",
         noun="session token"),
    _row("intercom-token", "Intercom", "dG9rOi", BASE64 + "=", (40, 90), noun="access token"),
    _row("dropbox-token", "Dropbox", "sl.B sl.A sl.u.", DOTTED, (100, 990), noun="access token"),
    _row("mapbox-token", "Mapbox", "sk.eyJ1", DOTTED, shape="[0-9A-Za-z_-]{40,}\\.[0-9A-Za-z_-]{20,24}",
         noun="secret token"),
)  # fmt: skip

MODELS: Final = (
    _row("openai-key", "OpenAI", "T3BlbkFJ", URL, (16, 120), before="sk-[0-9A-Za-z_-]{16,120}", noun="API key"),
    _row("openai-project-key", "OpenAI", "sk-proj- sk-svcacct- sk-admin- sk-None-", URL, (36, 250), noun="API key"),
    _row("anthropic-key", "Anthropic", "sk-ant-", URL, noun="API key",
         shape="(?:api|admin|oat|ort|sid)[0-9]{2}-[0-9A-Za-z_-]{80,120}AA"),
    _row("openrouter-key", "OpenRouter", "sk-or-v1-", HEX, 64, noun="API key"),
    _row("langfuse-key", "Langfuse", "sk-lf-", HEX + "-", shape=UUID, noun="secret key"),
    _row("model-vendor-key", "model vendor", "sk-", ALNUM, lead="[0-9A-Za-z]{4}",
         shape="(?:[0-9a-f]{32}|[0-9A-Za-z]{48,64})", noun="API key",
         entropy=3.3),
    _row("huggingface-token", "Hugging Face", "hf_ api_org_", ALNUM, (32, 40), entropy=3.0),
    _row("replicate-token", "Replicate", "r8_", ALNUM, (37, 40)),
    _row("groq-key", "Groq", "gsk_", ALNUM, (48, 60), noun="API key"),
    _row("perplexity-key", "Perplexity", "pplx-", ALNUM, (40, 60), noun="API key"),
    _row("xai-key", "xAI", "xai-", ALNUM, (70, 90), noun="API key"),
    _row("together-key", "Together", "tgp_v1_", URL, (40, 60), noun="API key"),
    _row("fireworks-key", "Fireworks", "fw_", ALNUM, (22, 30), noun="API key", entropy=3.3, kinds=3),
    _row("langsmith-key", "LangSmith", "lsv2_pt_ lsv2_sk_", HEX + "_", shape="[0-9a-f]{32}_[0-9a-f]{10}",
         noun="API key"),
    _row("langsmith-legacy-key", "LangSmith", "ls__", HEX, 32, noun="API key"),
    _row("pinecone-key", "Pinecone", "pcsk_", WORD, (50, 90), noun="API key"),
    _row("wandb-key", "Weights & Biases", "wandb_v1_", WORD, (40, 120), noun="API key"),
    _row("elevenlabs-key", "ElevenLabs", "sk_", HEX, 48, noun="API key"),
    _row("tavily-key", "Tavily", "tvly-", URL, (28, 60), noun="API key"),
    _row("firecrawl-key", "Firecrawl", "fc-", HEX, 32, noun="API key"),
    _row("nvidia-key", "NVIDIA", "nvapi-", URL, (60, 72), noun="API key"),
    _row("voyage-key", "Voyage AI", "pa-", URL, 43, noun="API key", entropy=3.6),
    _row("jina-key", "Jina", "jina_", URL, (50, 70), noun="API key"),
    _row("e2b-key", "E2B", "e2b_", HEX, 40, noun="API key"),
    _row("brave-key", "Brave Search", "BSA", URL, 28, noun="API key", entropy=3.3),
    _row("apify-token", "Apify", "apify_api_", ALNUM, (34, 46), noun="API token"),
    _row("runpod-key", "RunPod", "rpa_", UPPER + "a-z", (40, 60), noun="API key"),
    _row("cerebras-key", "Cerebras", "csk-", LOWER, 48, noun="API key"),
    _row("modal-token", "Modal", "ak- as-", ALNUM, 22, entropy=3.3, kinds=3),
)  # fmt: skip

REGISTRIES: Final = (
    _row("npm-token", "npm", "npm_", ALNUM, (36, 40), noun="access token"),
    _row("pypi-token", "PyPI", "pypi-AgE", URL, (50, 990), noun="upload token"),
    _row("rubygems-key", "RubyGems", "rubygems_", HEX, 48, noun="API key"),
    _row("crates-token", "crates.io", "cio", ALNUM, 32, entropy=3.6),
    _row("nuget-key", "NuGet", "oy2", LOWER, 43, noun="API key"),
    _row("docker-token", "Docker", "dckr_pat_ dckr_oat_", URL, (26, 40), noun="access token"),
    _row("artifactory-key", "Artifactory", "AKC", ALNUM, (10, 100), noun="API key"),
    _row("artifactory-password", "Artifactory", "AP0 AP1 AP2 AP3 AP4 AP5 AP6 AP7 AP8 AP9 APA APB APC APD APE APF",
         ALNUM, (10, 100), noun="encrypted password", entropy=3.0),
    _row("artifactory-reference-token", "Artifactory", "cmVmdGtuOj", ALNUM, (40, 80), noun="reference token"),
    _row("clojars-token", "Clojars", "CLOJARS_", LOWER, 60, noun="deploy token"),
    _row("packagist-token", "Packagist", "packagist_", HEX, shape="(?:uut|ort|out)_[0-9a-f]{40,80}"),
    _row("jsr-token", "JSR", "jsrp_ jsrd_", ALNUM, (30, 60)),
    _row("adobe-secret", "Adobe", "p8e-", URL, (32, 32), noun="client secret"),
    _row("adafruit-key", "Adafruit", "aio_", ALNUM, 28, noun="IO key"),
)  # fmt: skip

OPERATIONS: Final = (
    _row("circleci-token", "CircleCI", "CCIPAT_ CCIPRJ_", ALNUM, shape="[0-9A-Za-z]{20,24}_[0-9a-f]{40}"),
    _row("buildkite-token", "Buildkite", "bkua_ bkaj_ bkct_", ALNUM, (40, 60)),
    _row("harness-token", "Harness", "pat.", DOTTED, lead="[0-9A-Za-z_-]{4}",
         shape="[0-9A-Za-z_-]{22}\\.[0-9a-f]{24}\\.[0-9A-Za-z]{20}"),
    _row("octopus-key", "Octopus Deploy", "API-", UPPER, (25, 32), noun="API key"),
    _row("sonar-token", "SonarQube", "squ_ sqp_ sqa_", HEXES + "A-Z", 40),
    _row("snyk-token", "Snyk", "snyk_uat. snyk_sat.", DOTTED, (40, 990)),
    _row("prefect-key", "Prefect", "pnu_ pnb_", ALNUM, 36, noun="API key"),
    _row("pulumi-token", "Pulumi", "pul-", HEX, 40, noun="access token"),
    _row("terraform-token", "HCP Terraform", ".atlasv1.", URL, (60, 80), before="[0-9A-Za-z]{14}"),
    _row("vault-token", "HashiCorp Vault", "hvs. hvb. hvr.", URL, (24, 400)),
    _row("vault-legacy-token", "HashiCorp Vault", "s.", ALNUM, 24, entropy=3.9, kinds=3),
    _row("onepassword-secret-key", "1Password", "A3-", UPPER, lead="[0-9A-Z]{4}", noun="secret key",
         shape="[0-9A-Z]{6}-(?:[0-9A-Z]{11}|[0-9A-Z]{6}-[0-9A-Z]{5})-[0-9A-Z]{5}-[0-9A-Z]{5}-[0-9A-Z]{5}"),
    _row("onepassword-token", "1Password", "ops_eyJ", BASE64 + "=_-", window=4096, noun="service account token",
         shape="[0-9A-Za-z+/=_-]{100,}"),
    _row("doppler-token", "Doppler", "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.", DOTTED, (40, 80)),
    _row("infracost-key", "Infracost", "ico-", ALNUM, 32, noun="API key", entropy=3.3),
    _row("infisical-token", "Infisical", "st.", DOTTED, lead="[0-9a-f]{4}",
         shape="[0-9a-f]{24}\\.[0-9a-f]{32}\\.[0-9a-f]{32}"),
    _row("defined-key", "Defined Networking", "dnkey-", URL, shape="[0-9A-Za-z=_-]{26}-[0-9A-Za-z=_-]{52}",
         noun="API key"),
    _row("newrelic-key", "New Relic", "NRAK- NRII- NRIQ- NRRA- NRAA-", URL, (27, 36), noun="API key"),
    _row("newrelic-license", "New Relic", "FFFFNRAL NRAL", ALNUM, 0, before="[0-9a-f]{32,36}", shape="",
         noun="license key"),
    _row("grafana-token", "Grafana", "glsa_", WORD, shape="[0-9A-Za-z]{32}_[0-9a-fA-F]{8}",
         noun="service account token"),
    _row("grafana-cloud-token", "Grafana Cloud", "glc_", BASE64 + "=", (32, 400)),
    _row("grafana-key", "Grafana", "eyJrIjoi", BASE64 + "=", (60, 400), noun="API key"),
    _row("sentry-org-token", "Sentry", "sntrys_", BASE64 + "=_-", (80, 500), noun="organization token"),
    _row("sentry-token", "Sentry", "sntryu_ sntrya_ sntryi_", HEX, 64),
    _row("dynatrace-token", "Dynatrace", "dt0c01. dt0s01. dt0s02. dt0s16.", UPPER + ".", noun="access token",
         shape="[0-9A-Z]{8,24}\\.[0-9A-Z]{64}"),
    _row("honeycomb-key", "Honeycomb", "hcaik_ hcxik_ hcamk_ hcxmk_ hcalk_", LOWER, (50, 70), noun="API key"),
    _row("pagerduty-key", "PagerDuty", "pdus+", DOTTED + "+", (20, 60), noun="API key"),
    _row("launchdarkly-key", "LaunchDarkly", "sdk- api- rel-", HEXES + "-", lead="[0-9a-fA-F]{4}", shape=UUID,
         noun="SDK key"),
    _row("statsig-key", "Statsig", "secret- console-", ALNUM, (40, 50), noun="server key", entropy=3.6),
    _row("settlemint-token", "SettleMint", "sm_aat_ sm_pat_ sm_sat_", ALNUM, 16),
    _row("lichess-token", "Lichess", "lip_", ALNUM, 20, entropy=3.3, kinds=3),
    _row("openshift-token", "OpenShift", "sha256~", URL, 43),
    _row("kubernetes-bootstrap-token", "Kubernetes", "bootstrap-token-", LOWER, shape="[0-9a-z]{6}\\.[0-9a-z]{16}"),
    _row("ubidots-key", "Ubidots", "BBFF-", ALNUM, 30, noun="API key"),
    _row("age-secret-key", "age", "AGE-SECRET-KEY-1", UPPER, 58, noun="identity", entropy=3.0),
    _row("maxmind-key", "MaxMind", "_mmk", WORD, 0, before="[0-9A-Za-z]{6}_[0-9A-Za-z]{29}", noun="license key"),
    _row("twilio-key", "Twilio", "SK", HEX, 32, noun="API key id"),
    _row("dependency-track-key", "Dependency-Track", "odt_", ALNUM, (32, 60), noun="API key"),
    _row("stackhawk-key", "StackHawk", "hawk.", DOTTED, shape="[0-9A-Za-z_-]{20}\\.[0-9A-Za-z_-]{20}",
         noun="API key"),
    _row("bcrypt-hash", "Unix crypt", "$2a$ $2b$ $2y$", ALNUM + "./", shape="[0-9]{2}\\$[0-9A-Za-z./]{53}",
         noun="password hash"),
    _row("crypt-hash", "Unix crypt", "$1$ $5$ $6$ $apr1$", ALNUM + "./", noun="password hash",
         shape="(?:rounds=[0-9]+\\$)?[0-9A-Za-z./]{1,16}\\$[0-9A-Za-z./]{22,86}"),
    _row("yescrypt-hash", "Unix crypt", "$y$ $gy$ $7$", ALNUM + "./", noun="password hash",
         shape="[0-9A-Za-z./]{2,8}\\$[0-9A-Za-z./]{1,86}\\$[0-9A-Za-z./]{43}"),
    _row("argon2-hash", "Argon2", "$argon2id$ $argon2i$ $argon2d$", BASE64, noun="password hash",
         shape="v=[0-9]+\\$m=[0-9]+,t=[0-9]+,p=[0-9]+\\$[0-9A-Za-z+/]+\\$[0-9A-Za-z+/]{16,}"),
    _row("mailchimp-key", "Mailchimp", "-us", "0-9", (1, 2), lead="[0-9]", before="[0-9a-f]{32}", noun="API key"),
)  # fmt: skip

SERVICES: Final = (
    _row("amazon-mws-token", "Amazon MWS", "amzn.mws.", HEX + "-", shape=UUID, noun="auth token"),
    _row("amazon-client-secret", "Login with Amazon", "amzn1.oa2-cs.v1.", HEX, 64, noun="client secret"),
    _row("amazon-refresh-token", "Login with Amazon", "Atzr| Atza|", URL, (60, 900), noun="token"),
    _row("digitalocean-spaces-key", "DigitalOcean Spaces", "DO00", UPPER, 16, noun="access key"),
    _row("azure-devops-token", "Azure DevOps", "AZDO", ALNUM, 4, before="[0-9A-Za-z]{76}", noun="access token"),
    _row("google-bound-key", "Google", "AQ.Ab", URL, (40, 80), noun="API key"),
    _row("firebase-server-key", "Firebase", ":APA91b", URL, 134, before="AAAA[0-9A-Za-z_-]{7}", noun="server key"),
    _row("twitch-token", "Twitch", "oauth:", LOWER, 30, noun="chat token"),
    _row("zapier-webhook", "Zapier", "hooks.zapier.com/hooks/catch/", ALNUM, noun="webhook address",
         shape="[0-9]{4,12}/[0-9a-z]{5,16}", entropy=0),
    _row("ifttt-webhook", "IFTTT", "maker.ifttt.com/trigger/", URL, noun="webhook address",
         shape="[0-9A-Za-z_-]+/(?:json/)?with/key/[0-9A-Za-z_-]{20,60}", entropy=0),
    _row("make-webhook", "Make", ".make.com/", LOWER, 32, before="hook\\.[a-z]{2}[0-9]", noun="webhook address"),
    _row("confluent-secret", "Confluent", "cflt", BASE64, 60, noun="API secret"),
    _row("linkedin-secret", "LinkedIn", "WPL_AP0. WPL_AP1.", ALNUM + ".=", (16, 40), noun="client secret"),
    _row("pubnub-secret", "PubNub", "sec-c-", ALNUM + "-", (36, 48), noun="secret key"),
    _row("rapidapi-key", "RapidAPI", "jsn", HEX, 12, before="[0-9a-z]{10}msh[0-9a-z]{15}p1[0-9a-z]{6}",
         noun="API key"),
    _row("wakatime-key", "WakaTime", "waka_", HEX + "-", shape=UUID, noun="API key"),
    _row("yandex-oauth-token", "Yandex", "y0_", URL, (50, 64), noun="OAuth token"),
    _row("yandex-static-key", "Yandex Cloud", "YCAJ", URL, (20, 40), noun="static key"),
    _row("zoho-token", "Zoho", "1000.", HEX, shape="[0-9a-f]{32}\\.[0-9a-f]{32}", lead="[0-9a-f]{4}"),
    _row("sumologic-collector", "Sumo Logic", "/receiver/v1/http/", URL + "+/=", (60, 200),
         noun="collector address"),
    _row("checkly-key", "Checkly", "cu_", HEX, 32, noun="API key"),
    _row("aiven-password", "Aiven", "AVNS_", URL, (16, 40), noun="service password"),
    _row("trigger-key", "Trigger.dev", "tr_dev_ tr_prod_ tr_stg_ tr_pat_", ALNUM, (20, 40), noun="API key"),
    _row("deno-deploy-token", "Deno Deploy", "ddp_ ddw_", ALNUM, (36, 40)),
    _row("stytch-secret", "Stytch", "secret-live- secret-test-", URL + "=", (32, 48), noun="project secret"),
    _row("workos-key", "WorkOS", "sk_a2V5", ALNUM + "=", (30, 120), noun="API key"),
    _row("cal-key", "Cal.com", "cal_live_ cal_test_", HEX, (32, 40), noun="API key"),
    _row("shopify-partner-token", "Shopify", "prtapi_ atkn_", HEXES, (32, 64), noun="access token"),
    _row("cockroach-key", "CockroachDB", "CCDB1_", WORD, shape="[0-9A-Za-z]{22}_[0-9A-Za-z]{40}", noun="API key"),
    _row("tinybird-token", "Tinybird", "p.eyJ1", DOTTED, (60, 300)),
)  # fmt: skip

FORMATS: Final[tuple[SecretFormat, ...]] = (
    *CLOUD, *DATABASES, *CODE_HOSTS, *PAYMENT, *CHAT, *MODELS, *REGISTRIES, *OPERATIONS, *SERVICES,
)  # fmt: skip
"""Every format; where two share an anchor the earlier is tried first."""
