//! Where callers may come from.

use std::fmt;
use std::net::IpAddr;

use super::Rejection;

/// A range of addresses, `10.0.0.0/8`; kept without bits below the mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Reads `10.0.0.0/8`, `2001:db8::/32` or a lone address.
    ///
    /// # Errors
    /// When it is none of these, or has bits below its mask.
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        let refuse = || Rejection::NetworkInvalid(text.chars().take(64).collect());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| refuse())?;
        let longest = longest(address);
        let bits = match bits {
            Some(bits) => bits.parse().map_err(|_| refuse())?,
            None => longest,
        };
        if bits > longest || masked(address, bits) != number(address) {
            return Err(refuse());
        }
        Ok(Self { address, bits })
    }

    /// An IPv4 address that comes as IPv6 (`::ffff:10.0.0.1`) counts as what it is.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        longest(address) == longest(self.address)
            && masked(address, self.bits) == number(self.address)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

fn longest(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)) << 96,
        IpAddr::V6(address) => u128::from(address),
    }
}

fn masked(address: IpAddr, bits: u8) -> u128 {
    let mask = match bits {
        0 => 0,
        bits => u128::MAX << (128 - u32::from(bits)),
    };
    number(address) & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_addresses_and_no_others() {
        let network = Network::parse("10.1.0.0/16").unwrap();
        for (address, inside) in [
            ("10.1.0.0", true),
            ("10.1.255.255", true),
            ("::ffff:10.1.2.3", true),
            ("10.2.0.0", false),
            ("a01::", false),
        ] {
            assert_eq!(
                network.contains(address.parse().unwrap()),
                inside,
                "{address}"
            );
        }
        let network = Network::parse("2001:db8::/32").unwrap();
        assert!(network.contains("2001:db8:1::1".parse().unwrap()));
        assert!(!network.contains("2001:db9::1".parse().unwrap()));
        assert_eq!(
            Network::parse("10.0.0.1").unwrap().to_string(),
            "10.0.0.1/32"
        );
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0.1/8",
            "10.0/8",
            "::/129",
            "a/8",
            "10.0.0.0/-1",
        ] {
            assert!(Network::parse(text).is_err(), "{text}");
        }
    }
}
