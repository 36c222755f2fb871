"""The Vest Markets perpetual connector. Each module knows only of those before it:

the venue's words   constants, errors, payload, wire, messages, signing
its connections     clock, connections, web_utils, credentials, signer, auth, socket
what it tells       markets, market_hours, statistics, market_data, order_book, api_order_book_data_source,
                    user_stream_data_source
orders              session_memory, order_ids, fills, order_tracker, orders_reader, orphans,
                    position_watch and missed_fills, funding, order_updates, order_operations
the account         account_reader, account, transfers
the keys' life      registration, key_expiry, stored_keys, key_life
the connector       derivative, which puts all of it together

`cli` is the command line, which runs beside the connector and is made of its parts; `certification` looks for it at what
the venue really does. `utils` is what the client reads before it makes a connector: keys, fees, names of markets.
"""
