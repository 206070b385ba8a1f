"""A summary as files: chapters, page, Markdown, LaTeX, JSON; the canvas of all figures."""
