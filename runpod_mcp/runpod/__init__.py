"""Runpod's APIs behind one interface."""
