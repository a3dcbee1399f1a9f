//! The dead man's ping: an address on the web that is asked for now and then. Whoever is behind it notices when it no
//! longer is.
//!
//! Holds: nothing is told but that we are there; TLS is verified where the address has it; an answer is not read.

use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::crypto::ring;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

use crate::progress;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks for one address.
pub struct Ping {
    agent: Agent,
    url: String,
}

/// Why there was no good answer.
#[derive(Debug, thiserror::Error)]
#[error("the ping was not answered: {0}")]
pub struct Unanswered(String);

impl Ping {
    /// For this address. Nothing is asked yet.
    pub fn to(url: String) -> Ping {
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
            .build();
        let config = Agent::config_builder().timeout_global(Some(PATIENCE)).max_redirects(3).tls_config(tls).build();
        Ping { agent: config.into(), url }
    }

    /// Asks once.
    pub fn send(&self) -> Result<(), Unanswered> {
        // The address is nobody's business: whoever knows it can pretend that we are there.
        let hidden = |error: ureq::Error| Unanswered(error.to_string().replace(&self.url, "(the address)"));
        let _answer = progress::quiet(PATIENCE);
        self.agent.get(&self.url).call().map(drop).map_err(hidden)
    }
}
