"""Every version of the models: found, compared, released and rolled back with Git and DVC alone."""
