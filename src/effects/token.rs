//! Tokens in the place of passwords: what a mail service such as Exchange Online wants of a program.
//!
//! In:  the service's token endpoint, our name there and our secret. Out: a token, fetched anew for each login.
//! Holds: the secret goes to that address alone, over verified TLS, and wherever it is redirected not; neither it nor a
//! token is in any error.
// RFC 6749 §4.4 (client credentials)

use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio_rustls::rustls::crypto::ring;
use ureq::Agent;
use ureq::tls::{PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use zeroize::Zeroizing;

/// How long an answer may take: less than a mailbox waits for its login.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;
/// Largest file of certificates.
const CA_FILE_BYTES_MAX: u64 = 4 << 20;

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
        let mut answer = answer.map_err(|error| not_asked(&error))?;
        let status = answer.status().as_u16();
        let read = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
        let read = read.map_err(|_| away("broke off its answer"))?;
        let read = Zeroizing::new(read);
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
                let mut pem = Vec::new();
                let read = File::open(path).and_then(|file| file.take(CA_FILE_BYTES_MAX).read_to_end(&mut pem));
                read.map_err(|error| unusable(&error))?;
                let mut certificates = Vec::new();
                for item in parse_pem(&pem) {
                    if let PemItem::Certificate(certificate) = item.map_err(|error| unusable(&error))? {
                        certificates.push(certificate);
                    }
                }
                if certificates.is_empty() {
                    return Err(unusable(&"there is none in it"));
                }
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

/// Why there was no answer, by its kind: what an error shows beyond that could be the address with whatever stands in it.
fn not_asked(error: &ureq::Error) -> io::Error {
    let wrong = |what: &str| io::Error::other(format!("the token endpoint cannot be asked: {what}"));
    match error {
        // What rustls finds wrong comes so.
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => wrong("TLS failed"),
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => wrong("TLS failed"),
        ureq::Error::BadUri(_) | ureq::Error::RequireHttpsOnly(_) => wrong("`token_url` is no https address"),
        ureq::Error::Io(error) => away(&format!("cannot be asked: {}", error.kind())),
        ureq::Error::Timeout(_) => away("gave no answer in time"),
        ureq::Error::HostNotFound => away("cannot be asked: its name is not known"),
        ureq::Error::ConnectionFailed => away("cannot be asked: nothing listens there"),
        _ => away("cannot be asked: HTTP failed"),
    }
}

/// The word for the refusal, where it is one of the protocol's.
fn code(answer: &[u8]) -> String {
    let refused = serde_json::from_slice::<Refused>(answer).map(|refused| refused.error).unwrap_or_default();
    let plain =
        (1..=40).contains(&refused.len()) && refused.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if plain { format!(" {refused}") } else { String::new() }
}
