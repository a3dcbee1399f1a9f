//! From nothing to a session: TCP, verified TLS, login.
//!
//! Holds: the account is named to nobody whose certificate was not verified; what came in clear behind the answer to
//! STARTTLS is thrown away with the connection that had read it.

use std::io;
use std::sync::Arc;

use async_imap::{Authenticator, Client, Session};
use secrecy::ExposeSecret as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use zeroize::Zeroizing;

use rustls_platform_verifier::BuilderVerifierExt as _;

use super::trouble::{Doing, imap};
use super::{ImapServer, MailboxError, Tls};

/// An encrypted connection.
pub(super) type Stream = TlsStream<TcpStream>;

/// Largest file of certificates.
const CA_FILE_BYTES_MAX: u64 = 4 << 20;

pub(super) async fn log_in(server: &ImapServer) -> Result<Session<Stream>, MailboxError> {
    let connector = TlsConnector::from(Arc::new(verifying(server)?));
    let name = ServerName::try_from(server.host.clone());
    let name =
        name.map_err(|_| MailboxError::Closed(format!("`{}` is no name that a certificate bears", server.host)))?;
    let connected = TcpStream::connect((server.host.as_str(), server.port)).await;
    let mut plain = connected.map_err(|error| unreachable(server, &error))?;
    if server.tls == Tls::Starttls {
        plain = start_tls(plain).await?;
    }
    let encrypted = connector.connect(name, plain).await.map_err(|error| not_encrypted(server, &error))?;
    let mut client = Client::new(encrypted);
    if server.tls == Tls::Implicit {
        greeting(&mut client).await?;
    }
    let password = (server.password)().map_err(|error| match error.kind() {
        io::ErrorKind::NotConnected => MailboxError::Unreachable(error.to_string()),
        _ if server.is_token => MailboxError::Closed(error.to_string()),
        _ => MailboxError::Closed(format!("its password: {error}")),
    })?;
    let password = password.expose_secret();
    let logged_in = if server.is_token {
        client.authenticate("XOAUTH2", Bearer::of(&server.account, password)).await
    } else {
        client.login(&server.account, password).await
    };
    match logged_in {
        Ok(session) => Ok(session),
        Err((error, _)) => imap(Doing::LogIn, Err(error)),
    }
}

/// Says who we are and the token, once; a second question is the server's refusal, which wants an empty answer.
// https://developers.google.com/gmail/imap/xoauth2-protocol, as Exchange Online speaks it
struct Bearer(Zeroizing<String>);

impl Bearer {
    fn of(account: &str, token: &str) -> Bearer {
        Bearer(Zeroizing::new(format!("user={account}\x01auth=Bearer {token}\x01\x01")))
    }
}

impl Authenticator for Bearer {
    type Response = String;

    fn process(&mut self, _challenge: &[u8]) -> String {
        std::mem::take(&mut *self.0)
    }
}

async fn greeting<T>(client: &mut Client<T>) -> Result<(), MailboxError>
where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + std::fmt::Debug + Send,
{
    match client.read_response().await {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(MailboxError::gone()),
        Err(error) => imap(Doing::Connect, Err(error.into())),
    }
}

// RFC 9051 §6.2.1
async fn start_tls(plain: TcpStream) -> Result<TcpStream, MailboxError> {
    let mut client = Client::new(plain);
    greeting(&mut client).await?;
    imap(Doing::Encrypt, client.run_command_and_check_ok("STARTTLS", None).await)?;
    Ok(client.into_inner())
}

/// Trusts the file's authorities alone, or the system's.
fn verifying(server: &ImapServer) -> Result<ClientConfig, MailboxError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let fault = |error: &dyn std::fmt::Display| MailboxError::Closed(format!("TLS cannot be set up: {error}"));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| fault(&error))?;
    let Some(path) = &server.ca_file else {
        return Ok(builder.with_platform_verifier().map_err(|error| fault(&error))?.with_no_client_auth());
    };
    let unusable = |why: &dyn std::fmt::Display| {
        MailboxError::Closed(format!("no certificate authority can be read from {}: {why}", path.display()))
    };
    let pem = read(path).map_err(|error| unusable(&error))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        roots.add(certificate.map_err(|error| unusable(&error))?).map_err(|error| unusable(&error))?;
    }
    if roots.is_empty() {
        return Err(unusable(&"there is none in it"));
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn read(path: &std::path::Path) -> io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut pem = Vec::new();
    std::fs::File::open(path)?.take(CA_FILE_BYTES_MAX).read_to_end(&mut pem)?;
    Ok(pem)
}

fn unreachable(server: &ImapServer, error: &io::Error) -> MailboxError {
    MailboxError::Unreachable(format!("{}:{} cannot be reached: {error}", server.host, server.port))
}

fn not_encrypted(server: &ImapServer, error: &io::Error) -> MailboxError {
    let says = format!("no encrypted connection with {}:{}: {error}", server.host, server.port);
    // rustls tells of certificates and protocol so; everything else is the network's.
    match error.kind() {
        io::ErrorKind::InvalidData => MailboxError::Closed(says),
        _ => MailboxError::Unreachable(says),
    }
}
