"""Networks: physics layers, models, losses and training, in Keras 3 with ``keras.ops`` only."""
