//! Ports that people know: surfpool's SDK takes whichever ports are free, and a relay makes 8899 and 8900 of them.

use std::io::ErrorKind;
use std::net::Ipv4Addr;

use anyhow::{Context, Result, anyhow, bail};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Takes a port of this machine that others cannot reach; 0 is any.
///
/// # Errors
/// What to do about a port that is taken.
pub async fn listen(port: u16, option: &str) -> Result<TcpListener> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            bail!("port {port} is in use, perhaps by another local network: end that or choose another with {option}")
        }
        Err(error) => Err(error).with_context(|| format!("port {port} cannot be opened")),
    }
}

/// The port in `http://127.0.0.1:1234`.
///
/// # Errors
/// A URL without one.
pub fn port(url: &str) -> Result<u16> {
    let port = url.rsplit(':').next().and_then(|text| text.trim_end_matches('/').parse().ok());
    port.ok_or_else(|| anyhow!("{url} has no port"))
}

/// Carries every connection to another port of this machine, until aborted.
pub fn carry(listener: TcpListener, to: u16) -> JoinHandle<()> {
    tokio::spawn(async move {
        while let Ok((mut outside, _)) = listener.accept().await {
            tokio::spawn(async move {
                if let Ok(mut inside) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).await {
                    // Small answers must not wait for more to come.
                    let _ = outside.set_nodelay(true);
                    let _ = inside.set_nodelay(true);
                    // Either side may hang up at any time; that is no fault.
                    let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
                }
            });
        }
    })
}
