//! Whom an installation believes: root keys, and the product it is.
//!
//! Two roots are built in, so that one can be withdrawn while the other still holds. Who distributes the
//! product under a name of their own gives a [`Trust`] of their own to the services of the control plane
//! (`takt_server::Services::trusting`): the ids and public keys of their roots, and the name of the product. It
//! comes with each command as data; nothing here reads an environment or a file. The private halves of the
//! built-in roots are in no repository; licences are signed by keys that a root delegated to.

use super::Rejection;

/// How a key signs. It belongs to the key: what an envelope says of it must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// Ed25519, as in RFC 8037.
    EdDsa,
}

impl Algorithm {
    /// Its name in a JWS header.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
        }
    }
}

/// A public key and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub id: String,
    pub algorithm: Algorithm,
    pub public: [u8; 32],
}

impl Key {
    #[must_use]
    pub fn ed25519(id: impl Into<String>, public: [u8; 32]) -> Self {
        Self {
            id: id.into(),
            algorithm: Algorithm::EdDsa,
            public,
        }
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Rejection> {
        use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
        let verified = match self.algorithm {
            Algorithm::EdDsa => {
                UnparsedPublicKey::new(&ED25519, &self.public).verify(message, signature)
            }
        };
        verified.map_err(|_| Rejection::SignatureWrong(self.id.clone()))
    }
}

/// Whom to believe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    pub roots: Vec<Key>,
    /// A licence must name it among its products.
    pub product: String,
}

impl Default for Trust {
    fn default() -> Self {
        Self {
            roots: vec![
                Key::ed25519("takt-root-2026-a", ROOT_A),
                Key::ed25519("takt-root-2026-b", ROOT_B),
            ],
            product: "takt".into(),
        }
    }
}

impl Trust {
    pub(super) fn root(&self, id: &str) -> Result<&Key, Rejection> {
        let root = self.roots.iter().find(|root| root.id == id);
        root.ok_or_else(|| Rejection::KeyUnknown(id.into()))
    }
}

const ROOT_A: [u8; 32] = [
    0xac, 0xaa, 0x45, 0x28, 0x45, 0xce, 0xff, 0x64, 0x0b, 0xb9, 0x72, 0xbf, 0xc7, 0x23, 0x00, 0xb8,
    0xe3, 0x62, 0x4b, 0x09, 0xaf, 0x59, 0xc3, 0xb7, 0xe5, 0x3b, 0xf4, 0x0d, 0x92, 0x1f, 0x69, 0xd6,
];
const ROOT_B: [u8; 32] = [
    0xd0, 0xae, 0x10, 0xfd, 0x7f, 0xe7, 0x56, 0x12, 0xf3, 0x99, 0x1c, 0x7f, 0x71, 0xd7, 0x2e, 0x9f,
    0x6d, 0xde, 0xbf, 0xc5, 0xc4, 0x06, 0x9d, 0x65, 0xe0, 0xbd, 0x13, 0x2e, 0x4d, 0xf0, 0x96, 0xb5,
];
