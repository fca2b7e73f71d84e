//! Object storage, the block list and the caches.
