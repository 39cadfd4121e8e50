"""Where rows come from that nobody has to describe first: JSON lines and Parquet."""
