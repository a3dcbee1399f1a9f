//! Tokens in the place of passwords.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where tokens come from: OAuth 2.0, client credentials.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawOauth {
    /// The token endpoint, https.
    #[schemars(required, example = &"https://login.microsoftonline.com/council.example/oauth2/v2.0/token")]
    pub(in crate::config) token_url: Option<String>,
    /// The name under which this service is known there.
    #[schemars(required, example = &"00000000-0000-0000-0000-000000000000")]
    pub(in crate::config) client_id: Option<String>,
    /// What the token shall be good for.
    #[schemars(required, example = &"https://outlook.office365.com/.default")]
    pub(in crate::config) scope: Option<String>,
    /// Absolute path of a PEM file with the certificate authority to trust. If left out: the system's.
    #[schemars(example = &"/etc/hbcourier/oauth-ca.pem")]
    pub(in crate::config) ca_file: Option<String>,
}
