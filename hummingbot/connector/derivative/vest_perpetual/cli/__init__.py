"""The commands of `vest-perpetual`; `vest_perpetual_cli` puts them together. Each module knows only of those before it:

what all commands share   output, command, prompts, keystore, keys, venue, signed
the commands              register, connect, account, orders, transfers, stream, doctor, certify
"""
