//! The listener: HTTP/1.1, one request a connection.
//!
//! Holds: what a peer may use up is bounded in connections, in bytes and in time; nothing but three pages is there, and
//! nothing can be ordered.

use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Subjects;
use super::gathering::{Gathered, Gathering};
use crate::config::settings::Listen;
use crate::daemon::control::bind;
use crate::progress;

/// Connections at once; more wait until one has ended.
const CONNECTIONS_MAX: usize = 16;
/// A request's line and headers.
const REQUEST_BYTES_MAX: usize = 8 * 1024;
const HEADERS_MAX: usize = 64;
/// How long a connection may take from its beginning to its end.
const PATIENCE: Duration = Duration::from_secs(15);
/// Threads that gather figures. One gathers at a time.
const GATHERERS_MAX: usize = 1;
/// How often is looked whether the service is to stop.
const LOOK_UP: Duration = Duration::from_millis(200);
/// How long to rest where no connection can be taken at all, such as for want of file descriptors.
const REST: Duration = Duration::from_millis(100);

const TEXT: &str = "text/plain; charset=utf-8";
/// Prometheus's text format.
const FIGURES: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A listener that is there.
pub(super) struct Bound {
    listener: Listener,
    socket: Option<PathBuf>,
}

enum Listener {
    Unix(UnixListener),
    Loopback(TcpListener),
}

impl Bound {
    /// Listens. The caller holds the instance lock.
    pub(super) fn at(listen: &Listen) -> io::Result<Bound> {
        match listen {
            Listen::Unix(path) => {
                let listener = bind(path, true)?;
                listener.set_nonblocking(true)?;
                Ok(Bound { listener: Listener::Unix(listener), socket: Some(path.clone()) })
            }
            Listen::Loopback(address) => {
                let listener = TcpListener::bind(address)?;
                listener.set_nonblocking(true)?;
                Ok(Bound { listener: Listener::Loopback(listener), socket: None })
            }
        }
    }

    /// Answers until the service is to stop.
    pub(super) fn serve(self, subjects: &Arc<Subjects>) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(GATHERERS_MAX)
            .thread_name("figures")
            .build()?;
        let desk = Arc::new(Desk { subjects: subjects.clone(), gathering: Gathering::default() });
        let served = runtime.block_on(async {
            match self.listener {
                Listener::Unix(listener) => {
                    let listener = tokio::net::UnixListener::from_std(listener)?;
                    take(desk, || async { Ok(listener.accept().await?.0) }).await;
                }
                Listener::Loopback(listener) => {
                    let listener = tokio::net::TcpListener::from_std(listener)?;
                    take(desk, || async { Ok(listener.accept().await?.0) }).await;
                }
            }
            Ok(())
        });
        // Whoever gathers from a folder that hangs is not waited for.
        runtime.shutdown_background();
        if let Some(socket) = &self.socket {
            remove(socket);
        }
        served
    }
}

fn remove(socket: &Path) {
    if let Err(error) = std::fs::remove_file(socket) {
        tracing::debug!(%error, "{} is left: {error}", socket.display());
    }
}

struct Desk {
    subjects: Arc<Subjects>,
    gathering: Gathering,
}

/// Takes connections until the service is to stop.
async fn take<S, F>(desk: Arc<Desk>, accept: impl Fn() -> F)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = io::Result<S>>,
{
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut look_up = tokio::time::interval(LOOK_UP);
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
            Ok::<(OwnedSemaphorePermit, S), io::Error>((place, accept().await?))
        };
        tokio::select! {
            _ = look_up.tick() => {
                progress::made();
                if desk.subjects.stop.is_requested() {
                    return;
                }
            }
            taken = next => match taken {
                Ok((place, stream)) => drop(tokio::spawn(converse(desk.clone(), stream, place))),
                Err(error) => {
                    tracing::debug!(%error, "A watcher's connection could not be taken: {error}");
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }
}

async fn converse<S>(desk: Arc<Desk>, stream: S, place: OwnedSemaphorePermit)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let answering = service_fn(|request: Request<Incoming>| {
        let desk = desk.clone();
        async move { Ok::<_, std::convert::Infallible>(desk.answer(request.method(), request.uri().path()).await) }
    });
    let conversation = http1::Builder::new()
        .keep_alive(false)
        .header_read_timeout(None)
        .max_buf_size(REQUEST_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), answering);
    match tokio::time::timeout(PATIENCE, conversation).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "A watcher's connection ended early: {error}"),
        Err(_) => tracing::debug!("A watcher's connection was given up"),
    }
    drop(place);
}

impl Desk {
    async fn answer(&self, method: &Method, path: &str) -> Response<String> {
        if method != Method::GET && method != Method::HEAD {
            let mut refused = page(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET and HEAD\n".to_owned());
            refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return refused;
        }
        match path {
            "/healthz" => told(&self.stuck()),
            "/readyz" => match self.gathering.latest(&self.subjects).await {
                Some(gathered) => told(&gathered.not_ready),
                None => told(&[NOT_GATHERED.to_owned()]),
            },
            "/metrics" => {
                match self.gathering.latest(&self.subjects).await.map(|gathered: Gathered| gathered.figures) {
                    Some(Ok(figures)) => page(StatusCode::OK, FIGURES, figures.as_ref().clone()),
                    Some(Err(says)) => told(&[says]),
                    None => told(&[NOT_GATHERED.to_owned()]),
                }
            }
            _ => page(StatusCode::NOT_FOUND, TEXT, "there are /healthz, /readyz and /metrics\n".to_owned()),
        }
    }

    fn stuck(&self) -> Vec<String> {
        let stuck = self.subjects.workers.stuck(self.subjects.settings.watch.stuck_after).into_iter();
        stuck.map(|one| format!("{} has had nothing behind it for {} s", one.worker, one.silent.as_secs())).collect()
    }
}

const NOT_GATHERED: &str =
    "this could not be found out in time: a folder or the store does not answer, or this was asked often";

/// `ok`, or what is not.
fn told(wrong: &[String]) -> Response<String> {
    match wrong {
        [] => page(StatusCode::OK, TEXT, "ok\n".to_owned()),
        wrong => page(StatusCode::SERVICE_UNAVAILABLE, TEXT, wrong.join("\n") + "\n"),
    }
}

fn page(status: StatusCode, kind: &'static str, body: String) -> Response<String> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
