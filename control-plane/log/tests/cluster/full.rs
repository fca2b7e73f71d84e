//! A disk without room.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redb::StorageBackend;
use redb::backends::InMemoryBackend;
use takt_log::{Disk, Medium};

use crate::nodes::{Place, cluster_of, eventually, write};

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_disk_is_full_stops_whether_it_leads_or_follows() {
    for full in 0..3 {
        let disks: [Arc<Small>; 3] = Default::default();
        let places = (1..).zip(&disks).map(|(node, disk)| Place {
            disk: Disk::Given(Arc::clone(disk) as Arc<dyn Medium>),
            ..Place::new(node)
        });
        let nodes = cluster_of(places).await;
        write(&nodes, 0).await;
        disks[full].full.store(true, Ordering::Relaxed);
        for number in 1..5 {
            write(&nodes, number).await;
        }
        eventually("the stop of one node", || async {
            nodes[full].is_stopped()
        })
        .await;
        let others = nodes.iter().enumerate().filter(|(at, _)| *at != full);
        assert!(others.into_iter().all(|(_, node)| !node.is_stopped()));
        for node in nodes {
            node.stop().await;
        }
    }
}

/// A disk that can be full.
#[derive(Debug, Default)]
struct Small {
    bytes: InMemoryBackend,
    full: AtomicBool,
}

impl Small {
    fn room(&self) -> io::Result<()> {
        match self.full.load(Ordering::Relaxed) {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => Ok(()),
        }
    }
}

impl Medium for Small {
    fn sync_takes(&self) -> Duration {
        Duration::ZERO
    }
}

impl StorageBackend for Small {
    fn len(&self) -> io::Result<u64> {
        self.bytes.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.bytes.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.room()?;
        self.bytes.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.room()?;
        self.bytes.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.room()?;
        self.bytes.write(offset, data)
    }
}
