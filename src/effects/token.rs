//! Tokens in the place of passwords: what a mail service such as Exchange Online wants of a program.
//!
//! In:  the service's token endpoint, our name there and our secret. Out: a token, fetched anew for each login.
//! Holds: the secret goes to that address alone, over verified TLS, and wherever it is redirected not; neither it nor a
//! token is in any error.
// RFC 6749 §4.4 (client credentials)

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio_rustls::rustls::crypto::ring;
use ureq::Agent;
use ureq::tls::{PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};

/// How long an answer may take: less than a mailbox waits for its login.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Where tokens come from.
pub struct TokenEndpoint {
    /// Its address; https.
    pub url: String,
    /// Our name there.
    pub client_id: String,
    /// What the token shall be good for.
    pub scope: String,
    /// PEM file of the only authority that counts; the system's if `None`.
    pub ca_file: Option<PathBuf>,
    /// Reads our secret, each time anew.
    pub secret: Box<dyn Fn() -> io::Result<SecretString> + Send + Sync>,
}

#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
}

// RFC 6749 §5.2
#[derive(Deserialize)]
struct Refused {
    error: String,
}

impl TokenEndpoint {
    /// Fetches one. An error of the kind [`io::ErrorKind::NotConnected`] may pass; any other needs a person.
    pub fn fetch(&self) -> io::Result<SecretString> {
        let secret = (self.secret)()?;
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.client_id),
            ("client_secret", secret.expose_secret()),
            ("scope", &self.scope),
        ];
        let answer = self.agent()?.post(&self.url).send_form(form);
        let mut answer = answer.map_err(|error| away(&format!("cannot be asked ({})", plain(&error))))?;
        let status = answer.status().as_u16();
        let read = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
        let read = read.map_err(|error| away(&format!("broke off its answer ({})", plain(&error))))?;
        match status {
            200 => serde_json::from_slice::<Granted>(&read)
                .map(|granted| granted.access_token)
                .map_err(|_| io::Error::other("the token endpoint answered without a token")),
            // RFC 6585 §4 and the server's own troubles.
            429 | 500.. => Err(away(&format!("answered {status}"))),
            _ => Err(io::Error::other(format!("the token endpoint refused a token: {status}{}", code(&read)))),
        }
    }

    fn agent(&self) -> io::Result<Agent> {
        let roots = match &self.ca_file {
            None => RootCerts::PlatformVerifier,
            Some(path) => {
                let unusable = |why: &dyn std::fmt::Display| {
                    io::Error::other(format!("no certificate authority can be read from {}: {why}", path.display()))
                };
                let pem = std::fs::read(path).map_err(|error| unusable(&error))?;
                let certificates = parse_pem(&pem).filter_map(|item| match item {
                    Ok(PemItem::Certificate(certificate)) => Some(certificate),
                    _ => None,
                });
                RootCerts::from(certificates)
            }
        };
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(roots)
            .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
            .build();
        let config =
            Agent::config_builder().timeout_global(Some(PATIENCE)).https_only(true).http_status_as_error(false);
        Ok(config.max_redirects(0).tls_config(tls).build().into())
    }
}

fn away(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, format!("the token endpoint {what}"))
}

/// An error's kind: what it shows beyond that could be the address with whatever stands in it.
fn plain(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => error.kind().to_string(),
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        ureq::Error::HostNotFound => "its name is not known".to_owned(),
        ureq::Error::ConnectionFailed => "nothing listens there".to_owned(),
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => "TLS failed".to_owned(),
        _ => "HTTP failed".to_owned(),
    }
}

/// The word for the refusal, where it is one of the protocol's.
fn code(answer: &[u8]) -> String {
    let refused = serde_json::from_slice::<Refused>(answer).map(|refused| refused.error).unwrap_or_default();
    let plain =
        (1..=40).contains(&refused.len()) && refused.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if plain { format!(" {refused}") } else { String::new() }
}
