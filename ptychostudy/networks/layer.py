"""The base of our layers: a Keras layer that can hold constant arrays."""

import keras
import numpy as np

from ptychostudy.networks.tensors import Tensor


class Layer(keras.layers.Layer):  # type: ignore[misc]  # Keras declares no types
    """A Keras layer; every layer of the networks derives from it."""

    def constant(self, values: np.ndarray, name: str) -> Tensor:
        """Store an array as a frozen float32 weight, which every backend moves to its device.

        Parameters
        ----------
        values : array
            Of any shape.
        name : str
            Of the weight.

        Returns
        -------
        tensor
            Of the same shape; it is no trainable weight, so no bundle holds it.
        """
        # A plain NumPy array would do for TensorFlow; torch refuses it beside its own tensors.
        values = np.asarray(values, dtype=np.float32)
        initializer = keras.initializers.Constant(values)
        return self.add_weight(
            shape=values.shape, initializer=initializer, trainable=False, name=name
        )
