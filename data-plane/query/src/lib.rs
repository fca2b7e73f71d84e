//! Search, trace by id, tags: the Tempo HTTP API and the engine room behind it.
