"""The report of a session: one page made from Hummingbot's database and log files.

`reading` has what is stored, `ledger` the sums, `log` what the client said; `session` brings them together, `figures`
and `page` show it, `picture` photographs it, and `report.write_report` does it all. Needs plotly, and for the picture
choreographer and a Chrome or Chromium: the extra `vest_perpetual[report]`.
"""
