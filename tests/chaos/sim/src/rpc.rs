//! How a client talks to a node: over the simulated network, though only numbers travel. What they
//! stand for is in the history and in [`Desk`]; so a message can be lost, late or twice, and nothing
//! has to be encoded.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use takt_kit::Tasks;
use takt_log::{Handle, ProposeError, ReadError};
use takt_model::NodeId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use turmoil::net::TcpStream;

use crate::history::{Call, History, Operation, Reply};
use crate::net::listen;
use crate::node::address;

pub(crate) const CLIENT_PORT: u16 = 7000;

/// Where answers lie until the message that brings them arrives.
#[derive(Debug, Clone, Default)]
pub(crate) struct Desk(Arc<Mutex<(u64, BTreeMap<u64, Reply>)>>);

impl Desk {
    fn leave(&self, reply: Reply) -> u64 {
        let mut desk = self.0.lock();
        desk.0 += 1;
        let number = desk.0;
        desk.1.insert(number, reply);
        number
    }

    fn take(&self, number: u64) -> Option<Reply> {
        self.0.lock().1.remove(&number)
    }
}

/// Asks a node one thing, or several at once; only the first is waited for. `None` when there is no
/// answer in time.
pub(crate) async fn ask(
    desk: &Desk,
    host: &str,
    numbers: &[usize],
    patience: Duration,
) -> Option<Reply> {
    let asked = async {
        let mut stream = TcpStream::connect((host, CLIENT_PORT)).await?;
        for number in numbers {
            stream.write_u64(*number as u64).await?;
        }
        stream.read_u64().await
    };
    let answer: io::Result<u64> = tokio::time::timeout(patience, asked).await.ok()?;
    desk.take(answer.ok()?)
}

/// Answers the clients of a node until the group stops.
pub(crate) async fn serve(
    history: History,
    desk: Desk,
    handle: Handle,
    tasks: Tasks,
) -> io::Result<()> {
    let listener = listen(CLIENT_PORT).await?;
    loop {
        let (stream, _) = tokio::select! {
            biased;
            () = tasks.stopped() => return Ok(()),
            accepted = listener.accept() => accepted?,
        };
        let (history, desk, handle) = (history.clone(), desk.clone(), handle.clone());
        tasks.spawn("client", async move {
            // A client that is gone needs no answer.
            let _ = converse(&history, &desk, &handle, stream).await;
            Ok::<(), io::Error>(())
        });
    }
}

async fn converse(
    history: &History,
    desk: &Desk,
    handle: &Handle,
    mut stream: TcpStream,
) -> io::Result<()> {
    loop {
        let number = stream.read_u64().await?;
        let number = usize::try_from(number).map_err(io::Error::other)?;
        let call = history.call(number).ok_or(io::ErrorKind::InvalidData)?;
        let reply = carry_out(handle, call).await;
        stream.write_u64(desk.leave(reply)).await?;
    }
}

async fn carry_out(handle: &Handle, call: Call) -> Reply {
    match call {
        Call::Propose(proposal) => match handle.propose(proposal).await {
            Ok(answer) => Reply::Done(answer),
            Err(error) => Reply::Failed(error),
        },
        Call::Operate(operation) => {
            operate(handle, operation).await;
            Reply::Operated
        }
        Call::Read => match handle.read().await {
            Ok(state) => Reply::State(state),
            Err(ReadError::Unconfirmed(error)) => Reply::Failed(error),
            Err(ReadError::Storage(_)) => Reply::Failed(ProposeError::Stopped),
        },
    }
}

async fn operate(handle: &Handle, operation: Operation) {
    let done = match operation {
        Operation::Found => handle.bootstrap().await.map(|_| ()),
        Operation::Add(node) => handle.add_member(&address(node)).await.map(|_| ()),
        Operation::Promote(node) => handle.promote_member(NodeId(node)).await,
        Operation::Remove(node) => handle.remove_member(NodeId(node)).await,
        Operation::Transfer(node) => handle.transfer_leader(NodeId(node)).await,
    };
    tracing::info!(?operation, ?done, "operated");
}
