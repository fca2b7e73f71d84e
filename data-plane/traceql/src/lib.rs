//! TraceQL: lexer, parser, types, plan; pure.
