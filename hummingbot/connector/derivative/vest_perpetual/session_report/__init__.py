"""The report of a session: one page made from Hummingbot's database and log files. Each module imports only
those before it:

what is stored   reading, log_sentences, log
made of it       ledger, series, session
shown            words, story, figures, page, drafts, picture
all of it        report

`ledger` has the sums and `series` what is drawn; `session` brings everything together; `words` writes numbers and
`story` sentences; `drafts` keeps half a file from being left. Needs plotly, and for the picture choreographer and a
Chrome or Chromium: the extra `vest_perpetual[report]`.
"""
