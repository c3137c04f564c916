"""Training: from approved examples to a calibrated, registered model version. Start reading at retrain.py."""
