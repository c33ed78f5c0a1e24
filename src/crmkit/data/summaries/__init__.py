"""What do models need of a client's rows? Each summary is made inside the engine and small."""
