"""Files in and out: pictures, the settings inside them, and sheets of many."""
