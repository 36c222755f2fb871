"""The commands of `vest-perpetual`; `vest_perpetual_cli` puts them together. Each module imports only those before it:

what all commands share   versions, output, command, tool, prompts, numbers, keystore, keys, rehearsal, venue
acting on the account     signed, following
getting keys              wallet, register, connect
the account               orders, order, transfers, account, stream
is everything all right   sockets, doctor_permissions, doctor_checks, doctor, certify
a session afterwards      report
"""
