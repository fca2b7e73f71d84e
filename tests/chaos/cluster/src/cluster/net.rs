//! The network: a namespace for each node, all on one bridge, and this program beside them.
//!
//! Packets are dropped where they arrive, by nftables. What clients say to nodes is never touched: it
//! is the nodes that are cut off from each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::Ipv4Addr;

use parking_lot::Mutex;

use super::room::{run, told};

/// Where clients call from.
const CLIENTS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 254);

/// How links are made slow here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slowness {
    /// `sch_netem`: each packet is late.
    Delay,
    /// Without it, `sch_tbf`: a link so narrow that packets queue up.
    Narrow,
}

#[derive(Debug)]
pub(super) struct Net {
    pub(super) slowness: Slowness,
    wrong: Mutex<Wrong>,
}

/// What is wrong with the network at the moment.
#[derive(Debug, Default)]
struct Wrong {
    /// From, to.
    cut: BTreeSet<(u64, u64)>,
    /// Of what arrives at a node, in percent.
    lost: BTreeMap<u64, u8>,
}

pub(super) fn address(node: u64) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, 0, u8::try_from(node).unwrap_or(u8::MAX))
}

/// The path of a node's namespace, as `nsenter` wants it.
pub(super) fn namespace(node: u64) -> String {
    format!("--net=/run/netns/node-{node}")
}

impl Net {
    /// # Errors
    /// When the kernel cannot do it.
    pub(super) fn build(nodes: u64) -> anyhow::Result<Self> {
        run("ip", &["link", "set", "lo", "up"])?;
        run("ip", &["link", "add", "nodes", "type", "bridge"])?;
        let own = format!("{CLIENTS}/24");
        run("ip", &["address", "add", &own, "dev", "nodes"])?;
        run("ip", &["link", "set", "nodes", "up"])?;
        for node in 1..=nodes {
            plug_in(node)?;
        }
        let netem = ["qdisc", "add", "dev", "lo", "root", "netem", "delay", "0ms"];
        let slowness = if run("tc", &netem).is_ok() {
            run("tc", &["qdisc", "del", "dev", "lo", "root"])?;
            Slowness::Delay
        } else {
            Slowness::Narrow
        };
        Ok(Self {
            slowness,
            wrong: Mutex::default(),
        })
    }

    /// Nothing that `from` sends reaches `to`.
    pub(super) fn cut(&self, from: u64, to: u64) -> anyhow::Result<()> {
        self.wrong.lock().cut.insert((from, to));
        self.enforce(to)
    }

    pub(super) fn repair(&self, from: u64, to: u64) -> anyhow::Result<()> {
        self.wrong.lock().cut.remove(&(from, to));
        self.enforce(to)
    }

    /// A node loses so many percent of what the others send it; 0 is none.
    pub(super) fn lose(&self, node: u64, percent: u8) -> anyhow::Result<()> {
        self.wrong.lock().lost.insert(node, percent);
        self.enforce(node)
    }

    /// What a node sends takes longer.
    pub(super) fn slow(&self, node: u64) -> anyhow::Result<()> {
        let how: &[&str] = match self.slowness {
            Slowness::Delay => &["netem", "delay", "80ms", "60ms"],
            Slowness::Narrow => &["tbf", "rate", "512kbit", "burst", "4kb", "latency", "400ms"],
        };
        let on = ["tc", "qdisc", "replace", "dev", "eth0", "root"];
        within(node, &[&on[..], how].concat())
    }

    pub(super) fn quick(&self, node: u64) -> anyhow::Result<()> {
        within(node, &["tc", "qdisc", "del", "dev", "eth0", "root"])
    }

    /// Writes the rules of a node anew; nftables puts them in place in one step.
    fn enforce(&self, node: u64) -> anyhow::Result<()> {
        let rules = self.wrong.lock().rules(node);
        told("nsenter", &[&namespace(node), "nft", "-f", "-"], &rules)
    }
}

impl Wrong {
    fn rules(&self, node: u64) -> String {
        // Added first, so that there is one to delete.
        let mut rules = "table ip faults {}\ndelete table ip faults\n\
             table ip faults {\nchain arriving {\ntype filter hook input priority 0;\n"
            .to_owned();
        for (from, _) in self.cut.iter().filter(|(_, to)| *to == node) {
            let from = address(*from);
            let _written = writeln!(rules, "ip saddr {from} drop");
        }
        if let Some(percent) = self.lost.get(&node).filter(|percent| **percent > 0) {
            let _written = writeln!(
                rules,
                "ip saddr != {{ {CLIENTS}, 127.0.0.1 }} numgen random mod 100 < {percent} drop"
            );
        }
        rules.push_str("}\n}\n");
        rules
    }
}

fn plug_in(node: u64) -> anyhow::Result<()> {
    let (space, plug) = (format!("node-{node}"), format!("plug-{node}"));
    run("ip", &["netns", "add", &space])?;
    run(
        "ip",
        &[
            "link", "add", &plug, "type", "veth", "peer", "name", "eth0", "netns", &space,
        ],
    )?;
    run("ip", &["link", "set", &plug, "master", "nodes", "up"])?;
    let own = format!("{}/24", address(node));
    within(node, &["ip", "address", "add", &own, "dev", "eth0"])?;
    within(node, &["ip", "link", "set", "eth0", "up"])?;
    within(node, &["ip", "link", "set", "lo", "up"])
}

fn within(node: u64, command: &[&str]) -> anyhow::Result<()> {
    let space = namespace(node);
    run("nsenter", &[&[space.as_str()], command].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_dropped_where_they_arrive_and_clients_are_left_alone() {
        let mut wrong = Wrong::default();
        wrong.cut.extend([(2, 1), (1, 3)]);
        wrong.lost.insert(1, 25);
        let one = wrong.rules(1);
        assert!(one.contains("ip saddr 10.77.0.2 drop"), "{one}");
        assert!(
            one.contains("!= { 10.77.0.254, 127.0.0.1 } numgen random mod 100 < 25 drop"),
            "{one}"
        );
        assert!(wrong.rules(3).contains("ip saddr 10.77.0.1 drop"));
        assert!(!wrong.rules(2).contains("drop"));
        wrong.lost.insert(1, 0);
        assert!(!wrong.rules(1).contains("numgen"));
    }
}
