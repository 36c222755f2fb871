"""The Vest Markets perpetual connector. Each module imports only those before it, but for annotations:

asked by the client   constants, credentials, utils
the venue's words     errors, payload, wire, messages, depth_frames, signing, statistics
what all use          complaints, files
its connections       clock, connections, throttler, web_utils, signer, auth, socket
what it tells         markets, market_hours, market_data, order_book, api_order_book_data_source,
                      user_stream_data_source
orders                session_memory, order_ids, fills, order_tracker, orders_reader, orphans, foreign_fills,
                      position_watch, missed_fills, account_reader, funding, order_updates, order_operations
the account           account, transfers
the keys' life        registration, key_expiry, stored_keys, key_life
the connector         derivative
beside it             cli

`utils` is what the client reads before it makes a connector: keys, fees, names of markets. `derivative` puts all of it
together. `cli` is the command line, which runs beside the connector and is made of its parts, in a folder of the same
name; `certification` looks for it at what the venue really does, `session_report` at what a bot did. No part of them is
imported when the client starts.

What comments refer to: "protocol section" is a part of the venue's v2 protocol (1 hosts, 2 conventions, 3 errors, 4
public REST, 5 private REST, 6 sockets, 7 traps), and [?] marks what nobody could observe yet. A1, B9 and C31 name
what the tests of these names prove: A for users, B for gaps of Hummingbot's framework, C for faults. "Design
decision" numbers a choice, which is told where it is named. The project's docs/architecture.md lists all of them.
"""

# In CHANGELOG.md, in the wheel, and in what users are asked to send.
__version__ = "0.1.0"
